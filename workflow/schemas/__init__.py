"""JSON Schemas of the configuration files, and the command that generates them."""
