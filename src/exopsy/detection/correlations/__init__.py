"""Sigma's correlation documents and filters; what is built of findings is ``exopsy.correlation``."""
