"""What must be true: closed forms of initialisation theory, derived and checked by machine; never sees a simulator."""
