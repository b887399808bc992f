"""The interactive report: one HTML page that compares methods image by image, and the export of its results."""
