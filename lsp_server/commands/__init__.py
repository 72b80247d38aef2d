"""One module for each `edgewise ...` command. Runs in a short-lived process, never in the server."""
