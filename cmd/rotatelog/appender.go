package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/rawjson"
	"example.com/rotatelog/internal/vfs"
)

// appender is one run of append.
type appender struct {
	app     *app
	command *appendCommand
	stream  *stream
	cfg     rotatelog.Config
	journal *journal
	outage  *outage
	news    *uploadNews
	w       *rotatelog.Writer // nil before it is open

	turn     sync.Mutex // held from an append to its line: that of an upload comes after it
	envelope bool
	once     bool
	fetches  int   // appended
	kept     int   // not stored, since they were there already
	matches  int64 // in them
	refused  int   // inputs, and stretches of them
}

func (a *app) newAppender(s *stream, c *appendCommand) (*appender, error) {
	flags, err := s.writerFlags(&c.writerFlags)
	if err != nil {
		return nil, err
	}
	cfg, err := c.config(s, flags)
	if err != nil {
		return nil, err
	}
	j := a.newJournal(s)
	r := &appender{app: a, command: c, stream: s, cfg: cfg, journal: j, outage: newOutage(j), news: s.newUploadNews(j), envelope: flags.Envelope, once: flags.Once}
	r.cfg.Logger = slog.New(&logHandler{journal: j})
	r.cfg.Hooks = rotatelog.Hooks{Uploaded: r.uploaded, Failed: r.outage.happened}
	return r, nil
}

func (r *appender) uploaded(u rotatelog.Uploaded) {
	r.turn.Lock()
	defer r.turn.Unlock()
	r.outage.over()
	r.journal.uploaded(u)
	r.news.uploaded(u)
}

// runOne appends what should be one fetch. It reads all of it before it opens the stream,
// so that runs can overlap.
func (r *appender) runOne(ctx context.Context) error {
	name, text, err := r.readOne(ctx)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		r.refuse("%s; nothing was stored", named(name, err))
		return errFinding()
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	defer r.w.Close()
	switch _, err := r.append(ctx, text); {
	case ctx.Err() != nil && err != nil:
		return context.Cause(ctx)
	case errors.Is(err, rotatelog.ErrInvalidFetch):
		r.refuse("%s: %v; nothing was stored", name, reason(err, text))
	case err != nil:
		r.refuse("%v", err)
	}
	return r.end(ctx)
}

// runAll appends what is in all inputs.
func (r *appender) runAll(ctx context.Context) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	defer r.w.Close()
	switch err := r.readAll(ctx); {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		r.refuse("%v", err)
	case r.fetches == 0 && r.kept == 0 && r.refused == 0:
		r.journal.warn("there was no fetch to append")
	case r.fetches+r.kept > 1:
		matches := ""
		if r.journal.saysMatches(r.matches) {
			matches = " with " + format.Plural(r.matches, "match record", "match records")
		}
		kept := ""
		if r.kept > 0 {
			kept = ", " + format.Count(r.kept) + " already there"
		}
		r.journal.said("%s%s appended%s", format.Plural(r.fetches, "fetch", "fetches"), matches, kept)
	}
	return r.end(ctx)
}

// open opens the stream.
func (r *appender) open(ctx context.Context) (err error) {
	r.w, err = rotatelog.Open(ctx, r.cfg)
	if err != nil && ctx.Err() == nil {
		err = r.stream.openError(err)
	}
	return err
}

// append appends a fetch. If there is no room for it, it waits until kept batches have made
// some: a run that has just begun has not seen yet that the store holds them.
func (r *appender) append(ctx context.Context, text []byte) (rotatelog.Receipt, error) {
	receipt, err := r.appendNow(ctx, text)
	if vfs.NoSpace(err) && !r.command.NoUpload {
		r.delivery().drain(ctx)
		return r.appendNow(ctx, text)
	}
	return receipt, err
}

// appendNow appends a fetch, in an envelope if it should have one.
func (r *appender) appendNow(ctx context.Context, text []byte) (receipt rotatelog.Receipt, err error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	if r.envelope {
		receipt, err = r.appendAnswer(ctx, text)
	} else {
		receipt, err = r.w.Append(ctx, text)
	}
	switch {
	case err != nil:
		return receipt, err
	case receipt.Duplicate:
		r.kept++
		r.journal.kept(receipt)
		return receipt, nil
	}
	r.fetches++
	r.matches += receipt.Matches
	if r.cfg.Count == nil && (r.envelope || receipt.Matches == 0 && !hasCount(text)) { // its count is 0, whatever it has
		receipt.Matches = notCounted
	}
	r.journal.appended(receipt, r.w.Today())
	return receipt, nil
}

// appendAnswer appends an answer of the API in an envelope.
func (r *appender) appendAnswer(ctx context.Context, answer []byte) (receipt rotatelog.Receipt, err error) {
	f := rotatelog.Fetch{Data: answer, TotalMatches: r.countData(answer)}
	if r.once {
		if f.ID, err = answerID(answer); err != nil {
			return receipt, err
		}
	}
	return r.w.AppendFetch(ctx, f)
}

// hasCount reports whether a fetch brings its count along.
func hasCount(fetch []byte) bool {
	count, err := rawjson.Lookup(fetch, "FETCH_FOOTER", "total_matches")
	return err == nil && count != nil
}

// countData counts an answer of the API as it will be counted in its envelope, to have the
// number in there. If it cannot be counted, the Writer says why.
func (r *appender) countData(data []byte) int64 {
	if r.cfg.Count == nil {
		return 0
	}
	n, err := r.cfg.Count(slices.Concat([]byte(`{"RAW_API_DATA":`), data, []byte("}")))
	if err != nil {
		return 0
	}
	return n
}

// maxRefusals is how many refusals are reported one by one.
const maxRefusals = 100

// refuse reports that an input, or something in it, is not appended.
func (r *appender) refuse(text string, args ...any) {
	if r.refused++; r.refused <= maxRefusals {
		r.journal.warn(text, args...)
	}
}

// end uploads what can be, which also makes room on a full disk, and returns what the exit
// code says.
func (r *appender) end(ctx context.Context) error {
	if more := r.refused - maxRefusals; more > 0 {
		r.journal.warn("and %s more refused", format.Count(more))
	}
	err := r.deliver(ctx)
	r.w.Close()
	switch {
	case err != nil && r.command.Flush && ctx.Err() != nil:
		return context.Cause(ctx)
	case r.refused > 0, err != nil && r.command.Flush:
		return errFinding()
	}
	return nil
}
