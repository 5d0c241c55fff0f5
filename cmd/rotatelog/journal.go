package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
)

// journal is the log of a stream for people: what was appended and uploaded on standard
// output, and what went wrong on standard error, a line each, time first. It is safe for
// concurrent use.
type journal struct {
	app    *app
	stream string
	counts bool // something says what counts matches
	quiet  bool // what went well is worth no line, and the rest only if the exit code says so

	mu   sync.Mutex // guards both outputs, and what follows
	held []string
}

// newJournal begins a journal. A run goes on when nobody reads it: to lose a line is
// better than to lose a fetch.
func (a *app) newJournal(s *stream) *journal {
	if a.env.OutliveReaders != nil {
		a.env.OutliveReaders()
	}
	return &journal{app: a, stream: s.Name, counts: s.Count != "", quiet: a.grammar.Quiet}
}

// notCounted are the matches of a fetch where nothing says what to count.
const notCounted = -1

// appended logs that a fetch is on disk.
func (j *journal) appended(r rotatelog.Receipt, today rotatelog.Today) {
	matches := format.Plural(r.Matches, "match", "matches")
	if r.Matches == notCounted {
		matches = "not counted (see --count)"
	}
	text := fmt.Sprintf("%s#%d: %s, %d of %d", j.day(r.Day), r.Number, matches, r.Position, r.BatchSize)
	if total, ok := totalOf(r, today); ok && r.Matches != notCounted {
		text += "; today " + format.Count(total)
	}
	j.news(" " + text)
}

// kept logs that a fetch was on disk already.
func (j *journal) kept(r rotatelog.Receipt) {
	j.news(fmt.Sprintf(" %s#%d: already there, not stored again", j.day(r.Day), r.Number))
}

// saysMatches reports whether a sum of matches is worth a word: where nothing is counted, 0
// says nothing.
func (j *journal) saysMatches(sum int64) bool { return j.counts || sum > 0 }

// totalOf returns how many match records the day has, the fetch of the receipt included,
// if that is known: the day's object may have been looked at before the last upload.
func totalOf(r rotatelog.Receipt, today rotatelog.Today) (total int64, ok bool) {
	known := today.WaitingMatches >= 0 && r.Number <= today.Fetches+today.Waiting
	return today.Matches + today.WaitingMatches, known && r.Day == today.Day
}

// uploaded logs that a batch is in the day's object. It is a hook.
func (j *journal) uploaded(u rotatelog.Uploaded) {
	records := ""
	if j.saysMatches(u.Matches) {
		records = format.Plural(u.Matches, "record", "records") + ", "
	}
	j.news(fmt.Sprintf(" %supload %d: %s, %s%s", j.day(u.Day), u.Sequence, format.Plural(u.Fetches, "fetch", "fetches"), records, format.Bytes(u.Bytes)))
}

// day returns the day, if it is not today.
func (j *journal) day(day rotatelog.Day) string {
	if day == j.app.today() {
		return ""
	}
	return day.String() + " "
}

// said logs something else that went well.
func (j *journal) said(text string, args ...any) { j.news(": " + fmt.Sprintf(text, args...)) }

func (j *journal) news(text string) {
	if !j.quiet {
		j.line(j.app.env.Stdout, text)
	}
}

// warn logs something that went wrong.
func (j *journal) warn(text string, args ...any) {
	j.trouble(": " + fmt.Sprintf(text, args...))
}

// maxTroubles is how much of what went wrong is kept where it may not be printed, in bytes.
const maxTroubles = 64 << 10

// trouble logs on standard error.
func (j *journal) trouble(text string) {
	if !j.quiet {
		j.line(j.app.env.Stderr, text)
		return
	}
	var line bytes.Buffer
	j.line(&line, text)
	j.mu.Lock()
	defer j.mu.Unlock()
	if kept := &j.app.troubles; kept.Len() < maxTroubles {
		kept.Write(line.Bytes())
	}
}

func (j *journal) line(w io.Writer, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintf(w, "%s %s%s\n", format.Time(j.app.now(), j.app.zone), j.stream, text)
}

// maxHeld is how many lines are held.
const maxHeld = 10

// hold keeps a line until release.
func (j *journal) hold(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.held) < maxHeld {
		j.held = append(j.held, text)
	}
}

// release logs what is held.
func (j *journal) release() {
	j.mu.Lock()
	held := j.held
	j.held = nil
	j.mu.Unlock()
	for _, text := range held {
		j.trouble(text)
	}
}
