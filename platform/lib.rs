//! What svc asks of an operating system, behind one face.
