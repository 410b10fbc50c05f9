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

/// So many may be connected at once; when one more comes, the one goes that has been silent longest.
const CLIENTS_MAX: usize = 256;

/// A client that does not read is let go when this much waits for it, beside the final answer.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

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
            let silent = self.clients.all.iter().find(|(_, client)| !client.asked).map(|(id, _)| *id);
            let Some(oldest) = silent.or_else(|| self.clients.all.keys().next().copied()) else { return };
            self.disconnect(oldest);
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
        self.peer(id).is_some_and(|peer| peer.uid == 0 || peer.uid == users::own_uid())
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

fn encode(line: &Line) -> Vec<u8> {
    let mut text = serde_json::to_vec(line).expect("messages have only string keys");
    text.push(b'\n');
    text
}
