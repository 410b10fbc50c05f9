//! Calls that dice make: most make sense, some do not.

/// A row of numbers that a seed fixes.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// A call, with `{dir}`, `{victim}` (the program that runs), `{name}` (what it is called) and `{pid}` to be filled in.
pub(crate) struct Call {
    pub(crate) words: Vec<String>,
    /// How many victims run before.
    pub(crate) running: usize,
}

const PID_FILES: [&str; 12] = [
    "{dir}/good.pid",
    "{dir}/good.pid",
    "{dir}/good.pid",
    "{dir}/stale.pid",
    "{dir}/none.pid",
    "{dir}/garbage.pid",
    "{dir}/open.pid",
    "{dir}/other.pid",
    "{dir}/zero.pid",
    "{dir}/minus.pid",
    "/dev/null",
    "{dir}",
];

impl Call {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let mut call = Self { words: Vec::new(), running: dice.below(3) };
        if dice.once_in(12) {
            call.nonsense(dice);
            return call;
        }
        match dice.below(3) {
            0 => call.start(dice),
            1 => call.stop(dice),
            _ => call.status(dice),
        }
        for word in ["-q", "--quiet", "-v", "--verbose", "-o", "--oknodo", "--test"] {
            if dice.once_in(6) && (word != "--test" || dice.once_in(2)) {
                let place = call.words.iter().position(|word| word == "--").unwrap_or(call.words.len());
                call.words.insert(dice.below(place.max(1)).min(1), word.to_owned());
            }
        }
        call
    }

    pub(crate) fn has(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(&word.as_str()))
    }

    fn push(&mut self, words: &[&str]) {
        self.words.extend(words.iter().map(|word| (*word).to_owned()));
    }

    /// One way or several of saying which process is meant, and never a way that means a stranger.
    fn target(&mut self, dice: &mut Dice) {
        match dice.below(8) {
            0 => self.push(&["-x", "{victim}"]),
            1 => self.push(&["--exec={victim}", "-p", "{dir}/good.pid"]),
            2 => self.push(&["-n", "{name}"]),
            3 => self.push(&["-p", PID_FILES[dice.below(PID_FILES.len())]]),
            4 => self.push(&["--pidfile", PID_FILES[dice.below(PID_FILES.len())], "-x", "{victim}"]),
            5 => self.push(&["--pid", "{pid}"]),
            6 => self.push(&["-u", dice.one_of(&["root", "0", "daemon", "nosuchuser"]), "-x", "{victim}"]),
            _ => self.push(&["--ppid", dice.one_of(&["{parent}", "1"]), "-n", "{name}"]),
        }
        if dice.once_in(8) {
            self.push(&["-n", dice.one_of(&["{name}", "other"])]);
        }
    }

    fn start(&mut self, dice: &mut Dice) {
        self.push(&[dice.one_of(&["-S", "--start", "--star"])]);
        self.target(dice);
        self.push(&[
            "-a",
            dice.one_of(&["{dir}/bin/report", "{dir}/bin/report", "{dir}/bin/report", "/nonexistent/x"]),
        ]);
        for (option, values) in [
            ("-c", &["daemon", "daemon:tty", "1", "nosuchuser", "root:nosuchgroup", "root"] as &[&str]),
            ("-g", &["tty", "5", "nosuchgroup"]),
            ("-d", &["/tmp", "{dir}", "/nonexistent"]),
            ("-N", &["5", "-3", "40", "abc", "+2"]),
            ("-P", &["other", "fifo:3", "rr:2", "fifo:100", "wrong", "rr:x", "fifo"]),
            ("-I", &["idle", "best-effort:3", "real-time", "best-effort:9", "wrong"]),
            ("-k", &["077", "0", "27", "0x1f", "-1", "abc", "08"]),
            ("-r", &["/", "/nonexistent"]),
        ] {
            if dice.once_in(5) {
                self.push(&[option, dice.one_of(values)]);
            }
        }
        if dice.once_in(2) {
            self.push(&[dice.one_of(&["-b", "--background"])]);
            if dice.once_in(3) {
                self.push(&["-O", dice.one_of(&["{dir}/output", "/nonexistent/output"])]);
            }
            if dice.once_in(3) {
                self.push(&["-C"]);
            }
        }
        if dice.once_in(4) {
            self.push(&["-m"]);
            if dice.once_in(2) {
                self.push(&["-p", dice.one_of(&["{dir}/new.pid", "/nonexistent/new.pid"])]);
            }
        }
        self.push(&["--", "-x", "one two", "*"]);
    }

    fn stop(&mut self, dice: &mut Dice) {
        self.push(&[dice.one_of(&["-K", "--stop"])]);
        self.target(dice);
        if dice.once_in(2) {
            let schedules = [
                "5",
                "TERM/5/KILL/5",
                "HUP/1",
                "0/1",
                "KILL/3",
                "CONT/1/forever/KILL/1",
                "TERM/forever",
                "x",
                "TERM/1/",
                "CONT/1",
            ];
            self.push(&["-R", dice.one_of(&schedules)]);
        }
        if dice.once_in(3) {
            self.push(&["-s", dice.one_of(&["KILL", "9", "0", "CONT", "SIGTERM", "64", "nonsense", "USR1"])]);
        }
        if dice.once_in(4) {
            self.push(&["--remove-pidfile"]);
        }
    }

    fn status(&mut self, dice: &mut Dice) {
        self.push(&[dice.one_of(&["-T", "--status"])]);
        self.target(dice);
    }

    fn nonsense(&mut self, dice: &mut Dice) {
        let lines = [
            "",
            "-S",
            "-K -T -n x",
            "-T",
            "--p x",
            "--foo",
            "-Z",
            "-S -x",
            "--quiet=3",
            "-K --pid 0",
            "-K --pid x",
            "-T --ppid -1",
            "-S -n x",
            "-K -n x -b",
            "-S -x /bin/true -C",
            "-S -x /bin/true -O /x",
            "-S -x /bin/true -m",
            "-T -x /nonexistent",
            "-K -x /nonexistent",
            "-K -n averyverylongnameindeed",
            "-T --pid 1 -p /x",
            "-S -c root: -x /bin/true",
            "--exec",
            "-S --notify-timeout x -x /bin/true",
            "-K -R  -n x",
            "-H",
            "-V",
        ];
        self.words = dice.one_of(&lines).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    }
}
