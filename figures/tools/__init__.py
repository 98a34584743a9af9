"""What all figures share: tables, drawing, the manifest and its check, the gallery."""
