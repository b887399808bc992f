"""Our code beside the official one, whose checkout the user names: numbers and speed."""
