"""What all lessons share: prose, exercises, formulas, the server and its pages."""
