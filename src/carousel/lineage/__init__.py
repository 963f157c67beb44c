"""Where a registered version comes from: its audit and its reproduction."""
