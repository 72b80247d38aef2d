"""`edgewise demo`: the main job, shown to a person in a real session with the real server."""
