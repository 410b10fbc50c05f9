//! When a started service counts as up: by its own word, or by looking.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use svc_core::service::Ready;
use svc_core::{Event, Job, RunId};
use svc_platform::notify::MESSAGE_BYTES_MAX;
use svc_platform::poll::Interest;
use svc_platform::socket::{self, Answered};
use svc_platform::{clock, process};

use super::helpers::Purpose;
use super::look::read_pid;
use super::run::{Probe, leaves_a_daemon};
use super::{Manager, Timer, Token};
use crate::daemon::notify::{self, Said};

const PROBE_FIRST: Duration = Duration::from_millis(10);
const PROBE_MAX: Duration = Duration::from_millis(250);

/// So many words of one run are heard before the others have their turn.
const WORDS_MAX: usize = 64;

impl Manager {
    /// Begins to look whether a run is ready, if looking is the way.
    pub(super) fn begin_probe(&mut self, id: RunId) {
        let Some(run) = self.runs.get_mut(id) else { return };
        let service = self.core.service(run.service);
        let by_looking = match service.ready {
            Ready::Executed | Ready::Exit | Ready::NotifyFd(_) | Ready::SdNotify => false,
            Ready::PidFile(_) | Ready::Tcp(_) | Ready::Unix(_) | Ready::Command(_) => true,
        };
        // What is to be left behind is looked for first.
        let too_early = leaves_a_daemon(service) && run.main.is_none();
        if !by_looking || too_early || run.job != Job::Start || run.ready || run.left || run.probe.is_some() {
            return;
        }
        run.probe = Some(Probe { pause: PROBE_FIRST, socket: None });
        self.try_probe(id);
    }

    pub(super) fn try_probe(&mut self, id: RunId) {
        let Some(run) = self.runs.get_mut(id) else { return };
        let Some(probe) = run.probe.as_mut() else { return };
        let service = self.core.service(run.service).clone();
        let tried = match &service.ready {
            Ready::Executed | Ready::Exit | Ready::NotifyFd(_) | Ready::SdNotify => return,
            Ready::PidFile(path) => match read_pid(path).is_some_and(|pid| run.trunk.has(pid)) {
                true => Answered::Yes,
                false => Answered::No,
            },
            Ready::Command(words) => {
                if self.run_helper(words, Purpose::Ready(id), Some(&service)).is_err() {
                    self.probe_again(id);
                }
                return;
            }
            Ready::Tcp(_) | Ready::Unix(_) => {
                let begun = match &service.ready {
                    Ready::Tcp(to) => address(to).map(socket::Probe::tcp),
                    Ready::Unix(path) => Some(socket::Probe::unix(Path::new(path))),
                    _ => None,
                };
                match begun {
                    Some(Ok((socket, Answered::NotYet))) => {
                        let watched = self.poller.add(&socket, Token::Probe(id).number(), Interest::WRITE);
                        probe.socket = watched.is_ok().then_some(socket);
                        if probe.socket.is_some() { Answered::NotYet } else { Answered::No }
                    }
                    Some(Ok((_, answered))) => answered,
                    Some(Err(_)) | None => Answered::No,
                }
            }
        };
        self.probed(id, tried);
    }

    /// A connection that was on its way is there, or will never be.
    pub(super) fn probe_answered(&mut self, id: RunId) {
        let Some(probe) = self.runs.get_mut(id).and_then(|run| run.probe.as_mut()) else { return };
        let Some(socket) = probe.socket.take() else { return };
        let answered = socket.finish().unwrap_or(Answered::No);
        self.poller.remove(&socket).ok();
        self.probed(id, if answered == Answered::Yes { answered } else { Answered::No });
    }

    pub(super) fn probed(&mut self, id: RunId, answered: Answered) {
        match answered {
            Answered::Yes => self.is_ready(id),
            Answered::NotYet => {}
            Answered::No => self.probe_again(id),
        }
    }

    fn probe_again(&mut self, id: RunId) {
        let Some(probe) = self.runs.get_mut(id).and_then(|run| run.probe.as_mut()) else { return };
        let pause = probe.pause;
        probe.pause = (pause * 2).min(PROBE_MAX);
        self.set_timer(pause, Timer::Probe(id));
    }

    /// It serves. What leaves a daemon behind is not called so before the daemon is known.
    pub(super) fn is_ready(&mut self, id: RunId) {
        let Some(run) = self.runs.get_mut(id) else { return };
        if !run.ready {
            run.ready_at = clock::now();
        }
        run.ready = true;
        run.probe = None;
        let waits = leaves_a_daemon(self.core.service(run.service)) && run.main.is_none();
        if !waits {
            self.event(Event::Ready(id));
        }
    }

    pub(super) fn notify_fd_readable(&mut self, id: RunId) {
        let Some(run) = self.runs.get_mut(id) else { return };
        let Some(reader) = &mut run.notify_fd else { return };
        let mut bytes = [0; 256];
        let said = match reader.read(&mut bytes) {
            Ok(length) => bytes[..length].contains(&b'\n'),
            Err(_) => false,
        };
        if said {
            self.is_ready(id);
        }
    }

    /// Something came by a run's notify socket. Only processes of the run are listened to.
    pub(super) fn notified(&mut self, id: RunId) {
        let mut bytes = [0; MESSAGE_BYTES_MAX];
        for _ in 0..WORDS_MAX {
            let Some(run) = self.runs.get(id) else { return };
            let Some(notify) = &run.notify else { return };
            // What is too long is lost, and what follows it is not. A descriptor that came (BARRIER=1) is closed here,
            // after all before it was dealt with: that is the answer.
            let said = match notify.next(&mut bytes) {
                Ok(Some(said)) => said,
                Ok(None) => return,
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => continue,
                Err(_) => return,
            };
            let known = run.first().is_some_and(|process| process.pid == said.pid);
            // A helper that has sent its word and ended is in no tree any more; its socket's path was its secret.
            let gone = process::start_time(said.pid).is_err();
            if known || gone || run.trunk.has(said.pid) {
                notify::read(&bytes[..said.length]).into_iter().for_each(|said| self.heard(id, said));
            }
        }
    }

    fn heard(&mut self, id: RunId, said: Said) {
        match said {
            Said::Ready => self.is_ready(id),
            Said::Reloading => self.event(Event::Reloading(id)),
            Said::Stopping => self.event(Event::Stopping(id)),
            Said::Extend(more) => self.event(Event::Extend(id, more)),
            Said::Alive => self.event(Event::Alive(id)),
            Said::Unwell => self.event(Event::Unwell(id, "it said that it is not well".into())),
            Said::MainPid(pid) => {
                if self.runs.get(id).is_some_and(|run| run.trunk.has(pid)) {
                    self.set_main(id, pid);
                }
            }
            Said::Status(text) => {
                if let Some(run) = self.runs.get_mut(id) {
                    run.said = Some(text);
                }
            }
            // The definition says how often, and a service may not weaken that.
            Said::WatchdogEvery(_) => {}
        }
    }
}

/// The address of a `HOST:PORT`, without asking anybody.
fn address(text: &str) -> Option<SocketAddr> {
    if let Some(port) = text.strip_prefix("localhost:") {
        return Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().ok()?));
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_number_or_this_host() {
        assert_eq!(address("localhost:80"), Some("127.0.0.1:80".parse().unwrap()));
        assert_eq!(address("[::1]:8080"), Some("[::1]:8080".parse().unwrap()));
        assert_eq!(address("example.org:80"), None);
    }
}
