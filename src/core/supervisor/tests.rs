//! The supervisor, told as short stories: what happens -> what it does.

mod devices;
mod legacy;
mod limits;
mod links;
mod load;
mod manager;
mod reasons;
mod requests;
mod story;
mod verbs;

use story::check;
