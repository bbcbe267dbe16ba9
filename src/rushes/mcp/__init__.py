"""The agents' door: tools, resources and a prompt over MCP. Needs the extra `rushes[mcp]`."""
