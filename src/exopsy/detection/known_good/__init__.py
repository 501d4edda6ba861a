"""Files of a server compared with what its product ships, by place and hash."""
