//! What a play asks of the machine that a script is for.

/// Where a program that is called by its name is looked for, the first place first.
const PLACES: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The files of a machine, by their paths there; a link stands for what it leads to.
pub trait Machine {
    /// Whether it is only unpacked packages: what is missing there may well be on the machine.
    fn is_partial(&self) -> bool;

    /// The text of a file.
    fn read(&self, path: &str) -> Option<Vec<u8>>;

    /// The path of what a path leads to, every link followed; `None` if there is nothing.
    fn real(&self, path: &str) -> Option<String>;

    /// Whether there is a directory.
    fn is_directory(&self, path: &str) -> bool;

    /// Whether there is a regular file.
    fn is_file(&self, path: &str) -> bool;

    /// Whether there is a regular file that somebody may execute.
    fn is_program(&self, path: &str) -> bool;

    /// Whether there is something that is not empty.
    fn has_text(&self, path: &str) -> bool;

    /// The names in a directory, sorted; hidden ones left out.
    fn list(&self, directory: &str) -> Vec<String>;

    /// Whether there is anything.
    fn has(&self, path: &str) -> bool {
        self.real(path).is_some()
    }

    /// The path of a program that is called by its name.
    fn program(&self, name: &str) -> Option<String> {
        PLACES.iter().map(|place| format!("{place}/{name}")).find(|path| self.is_program(path))
    }
}
