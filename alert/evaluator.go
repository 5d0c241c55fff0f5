package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/sleep"
	"example.com/rotatelog/internal/vfs"
)

// Config says who is told, and where it is remembered. The zero value of what is not said
// to be needed is a good choice.
type Config struct {
	// Dir and Name are the Config of the stream in whose spool the memory is. Both are
	// needed. Whoever evaluates for the same streams needs the same.
	Dir, Name string
	// Notify is told of errors and warnings, and Page of what is critical. Where one is
	// empty, nobody is told of that, but what is critical goes to Notify.
	Notify, Page []*Receiver
	// Heartbeat is asked every five minutes; nil: nobody is.
	Heartbeat *Receiver
	// Location decides when it is night: New York unless set.
	Location *time.Location
	// Host names this machine in messages: its name unless set.
	Host string
	// Sleep waits between attempts: on the system's clock unless set.
	Sleep func(context.Context, time.Duration) error
	// Transport makes the requests: the network unless set.
	Transport http.RoundTripper
}

// An Evaluator decides what there is to say, and says it. It is safe for concurrent use.
type Evaluator struct {
	cfg    Config
	poster poster

	mu     sync.Mutex
	unsafe *memory // what could not be written, nil if that is all on disk
}

// New returns an Evaluator. It touches neither disk nor network.
func New(cfg Config) (*Evaluator, error) {
	if cfg.Dir == "" || cfg.Name == "" {
		return nil, errors.New("alert.Config needs Dir and Name, the stream in whose spool alerts are remembered")
	}
	if cfg.Location == nil {
		zone, err := time.LoadLocation("America/New_York")
		if err != nil {
			return nil, err
		}
		cfg.Location = zone
	}
	if cfg.Host == "" {
		name, err := os.Hostname()
		if err != nil {
			name = "?"
		}
		cfg.Host = name
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep.For
	}
	return &Evaluator{cfg: cfg, poster: poster{cfg.Transport}}, nil
}

func (e *Evaluator) policy() policy {
	return policy{host: e.cfg.Host, zone: e.cfg.Location, hasPage: len(e.cfg.Page) > 0}
}

func (e *Evaluator) receivers() map[Channel][]*Receiver {
	return map[Channel][]*Receiver{Notify: e.cfg.Notify, Page: e.cfg.Page}
}

// Sent is a message that went to a receiver, or did not if there is an error.
type Sent struct {
	To      *Receiver
	Message Message // empty of a heartbeat
	Err     error
}

// Evaluate takes in what is known now, and tells whom it concerns what is news. It may be
// called as often as one likes: what comes within 30 seconds of an evaluation only sends
// what waits. It takes at most a minute, or until ctx is done.
//
// It returns what was sent. An error says what was not, and is tried again later; one that
// matches [rotatelog.ErrLocked], that somebody else is evaluating now, and so nothing was
// done.
//
// Where nothing can be remembered, since the disk is full or broken, a program that runs
// for long remembers by itself. One that runs for a moment tells only of what is critical
// then, and does so each time.
func (e *Evaluator) Evaluate(ctx context.Context, look Look) ([]Sent, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	place, err := openPlace(filepath.Join(e.cfg.Dir, e.cfg.Name+".spool"))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, e.failed(fmt.Errorf("%w: another program is evaluating", rotatelog.ErrLocked))
	}
	if place != nil {
		defer place.close()
	}
	m, remembered, errs := e.decide(place, err, look)
	sent, failures := e.deliver(ctx, m, look.Now, !remembered)
	errs = append(errs, failures...)
	if beat := e.beat(ctx, m, look, remembered); beat != nil {
		sent = append(sent, *beat)
		if beat.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", beat.To, beat.Err))
		}
	}
	if err := e.keep(place, m); err != nil && remembered && place != nil { // else that was said
		errs = append(errs, e.failed(err))
	}
	return sent, errors.Join(errs...)
}

// decide takes the look in, and keeps what follows from it before anything is sent. It
// reports whether the next evaluation will know of it.
func (e *Evaluator) decide(place *place, broken error, look Look) (m *memory, remembered bool, errs []error) {
	knew := e.unsafe != nil
	m, errs = e.recall(place, broken)
	m.evaluate(look, e.policy(), false)
	errs = append(errs, m.giveUp(look.Now)...)
	err := e.keep(place, m)
	if err == nil || knew {
		return m, true, errs
	}
	if broken == nil {
		errs = append(errs, e.failed(err))
	}
	// In a process that lives for a moment, a second evaluation will not know of this one.
	m, _ = e.recallDisk(place)
	m.evaluate(look, e.policy(), true)
	e.unsafe = m
	return m, false, errs
}

// recall returns what is remembered: by this process, if it could not be written, else on
// disk.
func (e *Evaluator) recall(place *place, broken error) (*memory, []error) {
	if broken != nil {
		if e.unsafe != nil {
			return e.unsafe, []error{e.failed(broken)}
		}
		return &memory{}, []error{e.failed(broken)}
	}
	if e.unsafe != nil {
		return e.unsafe, nil
	}
	m, err := e.recallDisk(place)
	if err != nil {
		return m, []error{e.failed(err)}
	}
	return m, nil
}

func (e *Evaluator) recallDisk(place *place) (*memory, error) {
	if place == nil {
		return &memory{}, nil
	}
	return place.read()
}

// keep writes the memory, or keeps it in this process if it cannot be written.
func (e *Evaluator) keep(place *place, m *memory) error {
	err := errors.New("there is no spool to remember in")
	if place != nil {
		err = place.write(m)
	}
	if e.unsafe = m; err == nil {
		e.unsafe = nil
	}
	return err
}

// failed says what could not be done to the memory, and what to do.
func (e *Evaluator) failed(err error) error {
	hint := "make room, or see whether the disk is mounted and writable"
	if errors.Is(err, fs.ErrNotExist) {
		hint = "nothing, if no fetch has come yet, since the first one makes it; else see whether the disk is mounted"
	}
	if errors.Is(err, errForgotten) {
		hint = ""
	}
	if errors.Is(err, syscall.EISDIR) || errors.Is(err, vfs.ErrOdd) {
		hint = "move away what has the name of the file and is none"
	}
	if errors.Is(err, os.ErrPermission) {
		hint = "run this as the user of the Writer"
	}
	if errors.Is(err, rotatelog.ErrLocked) {
		hint = "nothing; that one sends what there is"
	}
	return &rotatelog.Error{Op: "remember alerts in", Key: filepath.Join(e.cfg.Dir, e.cfg.Name+".spool", memoryFile), Err: err, Hint: hint}
}

// heartbeatTimeout is for how long it is tried to make one.
const heartbeatTimeout = 12 * time.Second

// heartbeatEvery is the time between two heartbeats, less what cron may be early.
const heartbeatEvery = 5*time.Minute - 30*time.Second

// beat makes the heartbeat if it is due. There is none while somebody would have to be
// called who cannot be.
func (e *Evaluator) beat(ctx context.Context, m *memory, look Look, remembered bool) *Sent {
	due := look.Now.Sub(m.Heartbeat) >= heartbeatEvery
	if e.cfg.Heartbeat == nil || !due || look.inGrace() || m.Outbox.stuck() || !remembered {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, heartbeatTimeout, fmt.Errorf("not made within %v", heartbeatTimeout))
	defer cancel()
	s := &Sent{To: e.cfg.Heartbeat}
	if s.Err = e.send(ctx, s.To, Message{}); s.Err == nil {
		m.Heartbeat = look.Now
	}
	return s
}

// Test sends one message of each kind to each receiver, and makes the heartbeat. It
// remembers nothing, and needs no spool.
func (e *Evaluator) Test(ctx context.Context, now time.Time) []Sent {
	var sent []Sent
	for _, r := range e.cfg.Notify {
		for _, m := range e.examples(now, health.Error) {
			sent = append(sent, Sent{r, m, e.send(ctx, r, m)})
		}
	}
	for _, r := range e.cfg.Page {
		for _, m := range e.examples(now, health.Critical) {
			sent = append(sent, Sent{r, m, e.send(ctx, r, m)})
		}
	}
	if r := e.cfg.Heartbeat; r != nil {
		sent = append(sent, Sent{r, Message{}, e.send(ctx, r, Message{})})
	}
	return sent
}

// examples returns messages of which nothing is true: something is wrong, it is over and,
// if it is worth a mail only, good morning.
func (e *Evaluator) examples(now time.Time, s health.Severity) []Message {
	now = inSeconds(now)
	firing := Alert{Status: Firing, Severity: s, Code: health.UploadLate, Streams: []string{e.cfg.Name}, Since: now.Add(-time.Hour),
		Text: "Uploads are late: a batch has waited for 60 min.", Steps: []string{"rotatelog doctor"}}
	over := firing
	over.Status, over.Until, over.Text, over.Steps = Resolved, now, "It is over. It was: "+firing.Text, []string{}
	messages := []Message{{Alerts: []Alert{firing}}, {Alerts: []Alert{over}}}
	if s < health.Critical {
		messages = append(messages, Message{Alerts: []Alert{}, Lines: []string{e.cfg.Name + ": here stands each morning what became of the day before."}})
	}
	for i := range messages {
		m := &messages[i]
		m.Kind, m.Host, m.Time = KindTest, e.cfg.Host, now
		*m = m.complete()
	}
	return messages
}

// String says where the memory is, without a secret.
func (e *Evaluator) String() string { return cmp.Or(e.cfg.Dir, ".") + "/" + e.cfg.Name }
