//! The control socket: who is connected, what came from them, what is still to be sent. Nobody is waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use svc_platform::files::Spare;
use svc_platform::peer::{self, Peer};
use svc_platform::poll::{Interest, Readiness};
use svc_platform::socket::Listener;
use svc_platform::users;

use super::{Manager, Token};
use crate::daemon::framing::{Framed, Framer};
use crate::daemon::say;
use crate::wire::{LINE_BYTES_MAX, Line, Refusal, Reply};

/// So many may be connected at once; when one more comes, one of those goes who have the most.
const CLIENTS_MAX: usize = 256;

/// A client that does not read is let go when this much waits for it, beside the final answer.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// So much of an answer takes memory as an event does.
const LONG_BYTES: usize = 256;

/// So many are let in before those who are in have their turn.
const ACCEPTED_MAX: usize = 64;

/// Who is connected.
#[derive(Debug, Default)]
pub(super) struct Clients {
    listener: Option<Listener>,
    spare: Option<Spare>,
    all: BTreeMap<u64, Client>,
    /// Those with something to be sent.
    full: BTreeSet<u64>,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    peer: Peer,
    framer: Framer,
    out: Vec<u8>,
    /// Its one request came.
    asked: bool,
    /// Its final answer is in `out`.
    answered: bool,
    /// It is watched for room to write.
    waits_for_room: bool,
}

impl Manager {
    /// Opens the control socket.
    pub(super) fn listen(&mut self) -> io::Result<()> {
        let listener = Listener::bind(&self.options.socket, 0o666)?;
        self.poller.add(&listener, Token::Listener.number(), Interest::READ)?;
        self.clients.listener = Some(listener);
        self.clients.spare = Some(Spare::keep()?);
        Ok(())
    }

    pub(super) fn accept(&mut self) {
        for _ in 0..ACCEPTED_MAX {
            let Some(listener) = &self.clients.listener else { return };
            match listener.accept() {
                Ok(None) => return,
                Ok(Some(stream)) => self.connected(stream),
                Err(error) => return self.refuse_for_want(&error),
            }
        }
    }

    /// With no descriptor left the one kept for this serves to say so, and to get the connection off the queue.
    fn refuse_for_want(&mut self, error: &io::Error) {
        say(format!("accepting a client: {error}"));
        let clients = &mut self.clients;
        let (Some(listener), Some(spare)) = (&clients.listener, &mut clients.spare) else { return };
        let text = format!("svcd cannot serve another client just now: {error}; try again");
        let line = encode(&Line::Final(Reply::Refused(Refusal::Failed { text })));
        spare.lend(|| {
            if let Ok(Some(mut stream)) = listener.accept() {
                stream.write_all(&line).ok();
            }
        });
    }

    fn connected(&mut self, stream: UnixStream) {
        let Ok(peer) = peer::of(stream.as_fd()) else { return };
        if self.clients.all.len() >= CLIENTS_MAX {
            let all =
                self.clients.all.iter().map(|(id, client)| Seat { id: *id, uid: client.peer.uid, asked: client.asked });
            match makes_room(all.collect(), peer.uid) {
                Some(id) => self.push_out(id),
                None => return refuse_for_room(stream),
            }
        }
        let id = self.mint();
        if self.poller.add(&stream, Token::Client(id).number(), Interest::READ).is_err() {
            return;
        }
        let (asked, answered, waits_for_room) = (false, false, false);
        let framer = Framer::default();
        let client = Client { stream, peer, framer, out: Vec::new(), asked, answered, waits_for_room };
        self.clients.all.insert(id, client);
    }

    /// Tells a client why it goes, if it listens.
    fn push_out(&mut self, id: u64) {
        if let Some(client) = self.clients.all.get_mut(&id).filter(|client| !client.answered) {
            let uid = client.peer.uid;
            let text = format!(
                "svcd serves {CLIENTS_MAX} clients at once, user {uid} had the most of them, and another came; \
                 what was asked goes on"
            );
            client.out.extend(encode(&Line::Final(Reply::Refused(Refusal::Failed { text }))));
            client.send().ok();
        }
        self.disconnect(id);
    }

    pub(super) fn serve_client(&mut self, id: u64, readiness: Readiness) {
        if readiness.readable || readiness.hangup {
            self.read_client(id, readiness);
        }
        if readiness.writable {
            self.clients.full.insert(id);
        }
    }

    fn read_client(&mut self, id: u64, readiness: Readiness) {
        let mut bytes = [0; 16 * 1024];
        let Some(client) = self.clients.all.get_mut(&id) else { return };
        match client.stream.read(&mut bytes) {
            // It wants to say nothing more, or is gone; a request that came goes on either way.
            Ok(0) if client.asked && !client.answered && !readiness.hangup => self.half_closed(id),
            Ok(0) => self.disconnect(id),
            Ok(_) if client.asked => {}
            Ok(length) => match client.framer.push(&bytes[..length]) {
                Framed::Half => {}
                Framed::Line(line) => {
                    client.asked = true;
                    self.requested(id, &line);
                }
                Framed::TooLong => {
                    client.asked = true;
                    let text = format!("a request has at most {LINE_BYTES_MAX} bytes and ends with a line end");
                    self.reply(id, Reply::Refused(Refusal::BadRequest { text }));
                }
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.disconnect(id),
        }
    }

    /// A client that shut down its writing side may still want its answer. Reading on would report the end for ever;
    /// that it has closed the other side, too, is told all the same.
    fn half_closed(&mut self, id: u64) {
        if let Some(client) = self.clients.all.get_mut(&id) {
            self.poller.modify(&client.stream, Token::Client(id).number(), Interest::default()).ok();
        }
    }

    /// The one answer to a client's request, which may have gone away meanwhile.
    pub(super) fn reply(&mut self, id: u64, reply: Reply) {
        self.note_reply(id, &reply);
        if let Some(client) = self.clients.all.get_mut(&id) {
            client.out.extend(encode(&Line::Final(reply)));
            client.answered = true;
            self.done += client.out.len() / LONG_BYTES;
            self.clients.full.insert(id);
        }
    }

    /// A line before the last; whether the client is still there to get it.
    pub(super) fn tell(&mut self, id: u64, line: &Line) -> bool {
        let Some(client) = self.clients.all.get_mut(&id) else { return false };
        if client.out.len() > WAITING_BYTES_MAX {
            self.disconnect(id);
            return false;
        }
        client.out.extend(encode(line));
        self.clients.full.insert(id);
        true
    }

    pub(super) fn peer(&self, id: u64) -> Option<&Peer> {
        self.clients.all.get(&id).map(|client| &client.peer)
    }

    /// Whether this client may change things and see what services print: root, or who runs this daemon.
    pub(super) fn is_trusted(&self, id: u64) -> bool {
        self.peer(id).is_some_and(|peer| is_ours(peer.uid))
    }

    pub(super) fn disconnect(&mut self, id: u64) {
        if let Some(client) = self.clients.all.remove(&id) {
            self.poller.remove(&client.stream).ok();
        }
        self.clients.full.remove(&id);
        self.note_gone(id);
        self.stop_following(id);
    }

    /// Sends what there is room for.
    pub(super) fn flush_clients(&mut self) {
        for id in std::mem::take(&mut self.clients.full) {
            let Some(client) = self.clients.all.get_mut(&id) else { continue };
            match client.send() {
                Ok(true) if client.answered => self.disconnect(id),
                Ok(true) if client.waits_for_room => {
                    client.waits_for_room = false;
                    self.poller.modify(&client.stream, Token::Client(id).number(), Interest::READ).ok();
                }
                Ok(true) => {}
                Ok(false) => {
                    client.waits_for_room = true;
                    // What a client with an answer on its way still says does not matter.
                    let both = Interest { read: !client.answered, write: true, priority: false };
                    self.poller.modify(&client.stream, Token::Client(id).number(), both).ok();
                }
                Err(_) => self.disconnect(id),
            }
        }
    }
}

impl Client {
    /// Whether all was sent.
    fn send(&mut self) -> io::Result<bool> {
        let mut sent = 0;
        let done = loop {
            if sent == self.out.len() {
                break Ok(true);
            }
            match self.stream.write(&self.out[sent..]) {
                Ok(0) => break Ok(false),
                Ok(length) => sent += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(false),
                Err(error) => break Err(error),
            }
        };
        self.out.drain(..sent);
        done
    }
}

/// Root, or who runs this daemon.
fn is_ours(uid: u32) -> bool {
    uid == 0 || uid == users::own_uid()
}

/// A client, as far as it matters for who has to go.
#[derive(Clone, Copy, Debug)]
struct Seat {
    id: u64,
    uid: u32,
    asked: bool,
}

/// Who goes when one more comes: of the user who has the most, counted with the new one, the one that has been silent
/// longest, or else the oldest. Root, and who runs this daemon, make room for nobody else; `None`: the new one goes.
fn makes_room(mut seats: Vec<Seat>, comer: u32) -> Option<u64> {
    if !is_ours(comer) || seats.iter().any(|seat| !is_ours(seat.uid)) {
        seats.retain(|seat| !is_ours(seat.uid));
    }
    let mut counts: BTreeMap<u32, usize> = BTreeMap::from([(comer, 1)]);
    seats.iter().for_each(|seat| *counts.entry(seat.uid).or_default() += 1);
    let most = seats.iter().map(|seat| (counts[&seat.uid], seat.uid == comer, seat.uid)).max()?.2;
    let theirs = || seats.iter().filter(|seat| seat.uid == most);
    theirs()
        .filter(|seat| !seat.asked)
        .min_by_key(|seat| seat.id)
        .or(theirs().min_by_key(|seat| seat.id))
        .map(|seat| seat.id)
}

/// Nothing is waited for: what a new connection has no room for is lost with it.
fn refuse_for_room(mut stream: UnixStream) {
    let text = format!("svcd serves {CLIENTS_MAX} clients at once, and all are of root; try again later");
    let _gone = stream.write_all(&encode(&Line::Final(Reply::Refused(Refusal::Failed { text }))));
}

fn encode(line: &Line) -> Vec<u8> {
    let mut text = serde_json::to_vec(line).expect("messages have only string keys");
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes(seats: &[(u64, u32, bool)], comer: u32) -> Option<u64> {
        makes_room(seats.iter().map(|(id, uid, asked)| Seat { id: *id, uid: *uid, asked: *asked }).collect(), comer)
    }

    #[test]
    fn who_has_the_most_makes_room_and_of_those_the_silent() {
        let seats = [(1, 70, false), (2, 71, true), (3, 71, false), (4, 71, false)];
        assert_eq!(goes(&seats, 70), Some(3));
        assert_eq!(goes(&seats[..3], 70), Some(1), "who would have as many goes first");
        assert_eq!(goes(&seats, 72), Some(3));
        assert_eq!(goes(&seats, 0), Some(3));
        assert_eq!(goes(&[(5, 71, true), (6, 71, true), (7, 70, false)], 72), Some(5));
    }

    #[test]
    fn root_goes_for_nobody_but_root() {
        let roots = [(1, 0, false), (2, 0, false), (3, 0, true)];
        assert_eq!(goes(&roots, 70), None);
        assert_eq!(goes(&roots, 0), Some(1));
        assert_eq!(goes(&[(1, 0, false), (2, 0, false), (3, 70, true)], 0), Some(3));
        assert_eq!(goes(&[(1, 0, false), (2, 0, false), (3, 70, true)], 71), Some(3));
    }
}
