"""The `edgewise model ...` commands. Each runs in a short-lived process of its own."""
