from __future__ import annotations

from exopsy.evidence.files import iis_config, transport_agents
from exopsy.evidence.registry import recognise_file

AGENTS = """<?xml version="1.0" encoding="utf-8"?>
<configuration><mexRuntime><monitoring><agentExecution timeLimitInMilliseconds="90000" /></monitoring>
<agentList>
<agent name="A" baseType="B" classFactory="App.Factory" assemblyPath="%ProgramData%\\a.dll" enabled="True" priority="2" />
<agent name="without a factory" />
</agentList></mexRuntime></configuration>"""


def test_each_agent_is_a_row(rows_of) -> None:
    [row] = rows_of(transport_agents, AGENTS.encode("utf-16"))[0]
    assert row.fields["Factory"] == "App.Factory"
    assert row.fields["ImagePath"] == "C:\\ProgramData\\a.dll"
    assert row.fields["ImageName"] == "a.dll"
    assert row.fields["Priority"] == "2"
    assert row.origin.line == 4


def test_it_goes_before_other_configuration() -> None:
    head = AGENTS.encode()
    assert iis_config.recognise(head, "x/agents.config")
    found = recognise_file(head, "x/agents.config")
    assert found is not None
    assert found.name == "transport-agents"
    assert not transport_agents.recognise(b"<configuration/>", "agents.config")
