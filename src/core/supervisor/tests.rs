//! The supervisor, told as short stories: what happens -> what it does.
