"""Random numbers and arrays: addressed streams, normals, magnitudes beyond the floats, frames."""
