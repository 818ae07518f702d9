//! What long work tells meanwhile, and who listens.

use std::sync::Arc;

/// Something that happens while a session is at work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// What is being done now, in place of what was told before: "training tree 3 of 10".
    Doing(&'a str),
    /// Nothing is being done any more.
    Idle,
    /// A stage has finished.
    Finished {
        /// The stage's name.
        stage: &'a str,
        /// How long it took.
        seconds: f64,
        /// Why it ran.
        reason: &'a str,
    },
    /// A stage did not have to run.
    Reused {
        /// The stage's name.
        stage: &'a str,
    },
    /// A command that changes this machine, about to run.
    Installing(&'a str),
    /// Something that a user should know, whether they watch or not.
    Note(&'a str),
}

/// Who is told of events. It may be called from any thread, and should not block for long.
pub trait Observer: Send + Sync {
    /// Takes one event.
    fn notice(&self, event: Event<'_>);
}

/// Where a piece of work sends its events: to one observer, or to nobody.
#[derive(Clone)]
pub struct Progress(Option<Arc<dyn Observer>>);

impl Progress {
    /// Events go to `observer`.
    pub fn to(observer: impl Observer + 'static) -> Self {
        Self(Some(Arc::new(observer)))
    }

    /// Events go to nobody.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    fn tell(&self, event: Event<'_>) {
        if let Some(observer) = &self.0 {
            observer.notice(event);
        }
    }

    /// Says that a stage has finished, how long it took, and why it ran.
    pub fn done(&self, stage: &str, seconds: f64, reason: &str) {
        self.tell(Event::Finished {
            stage,
            seconds,
            reason,
        });
    }

    /// Says that a stage did not have to run.
    pub fn reused(&self, stage: &str) {
        self.tell(Event::Reused { stage });
    }

    /// Says what is being done.
    pub fn doing(&self, what: &str) {
        self.tell(Event::Doing(what));
    }

    /// Says that nothing is being done any more.
    pub fn clear(&self) {
        self.tell(Event::Idle);
    }

    /// Says something that a user should know.
    pub fn note(&self, text: &str) {
        self.tell(Event::Note(text));
    }

    /// Says which command is about to change this machine.
    pub fn installing(&self, command: &str) {
        self.tell(Event::Installing(command));
    }
}
