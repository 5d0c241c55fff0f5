package rotatelog

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// A write to a Multipart store may take effect after it was given up. What is
// known of such a write stands beside the pending batches, in a file for each
// day, and is settled before anything else is written to the day's object: by
// this process, or by the one that publishes next.

// notePath returns where the note of a day stands.
func (s *spool) notePath(day daily) string { return s.path(pendingDir, day.String()+".upload") }

// noteWrite keeps the note of a write to a day's object, durably. Without a text
// nothing is left to be settled; should the old text come back, it is settled
// once more, which does no harm.
func (s *spool) noteWrite(day daily, text string) error {
	if text == "" {
		return s.remove(s.notePath(day))
	}
	return s.writeFile(s.notePath(day), []byte(text+"\n"))
}

// noted returns the note of a day, "" if there is none.
func (s *spool) noted(day daily) (string, error) {
	text, err := s.readFile(s.notePath(day))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSuffix(string(text), "\n"), err
}

// write writes the next version of a day's object, after what was seen. It
// returns the parts that it sent, which may be others that make the same.
func (p *publisher) write(ctx context.Context, day daily, seen view, parts []Part, meta map[string]string) (sent []Part, reply error) {
	store, ok := p.cfg.Store.(Multipart)
	if !ok {
		return parts, p.cfg.Store.Write(ctx, p.cfg.key(day), seen.version, parts, meta)
	}
	parts = p.inline(ctx, day, seen, parts, store.LeastCopy())
	note := func(text string) error {
		if err := p.spool.noteWrite(day, text); err != nil {
			return &Error{"write", p.cfg.path(p.spool.notePath(day)), err}
		}
		return nil
	}
	return parts, store.WriteNoted(ctx, p.cfg.key(day), seen.version, parts, meta, note)
}

// settle ends what is known of a write to a day's object. With an error, nothing
// may be written to it yet.
func (p *publisher) settle(ctx context.Context, day daily) error {
	store, ok := p.cfg.Store.(Multipart)
	if !ok {
		return nil
	}
	text, err := p.spool.noted(day)
	if err == nil && text == "" {
		return nil
	}
	if err == nil {
		if err = store.Settle(ctx, text, func(text string) error { return p.spool.noteWrite(day, text) }); err != nil {
			return storeError("settle", p.cfg.key(day), err)
		}
		err = p.spool.noteWrite(day, "")
	}
	if err != nil {
		return &Error{"settle", p.cfg.path(p.spool.notePath(day)), err}
	}
	return nil
}

// sweptFile holds the day on which leftovers were last swept.
const sweptFile = "swept"

const (
	sweptDays  = 3 // that are looked at, today included
	sweepLimit = 20 * time.Second
)

// sweep has the store remove, once a day, what was left behind. It is tidiness: it
// gets little time, and what fails is tried again tomorrow.
func (p *publisher) sweep(ctx context.Context) {
	store, ok := p.cfg.Store.(Multipart)
	today := p.cfg.today()
	if !ok || p.swept == today {
		return
	}
	name := p.spool.path(sweptFile)
	content, err := p.spool.readFile(name)
	if err == nil && string(content) == today.String() {
		p.swept = today
		return
	}
	p.swept = today
	err = p.spool.writeFile(name, []byte(today.String())) // first: no other process is to wait for it today
	limited, cancel := context.WithTimeout(ctx, sweepLimit)
	defer cancel()
	for _, day := range p.lastDays(today) {
		if err != nil {
			break
		}
		err = store.Sweep(limited, p.cfg.key(day))
	}
	if err != nil && ctx.Err() == nil {
		p.cfg.tellNotSwept(err)
	}
}

// lastDays returns the days in which something may have been left behind.
func (p *publisher) lastDays(today Day) []daily {
	var days []daily
	for ago := range sweptDays {
		days = append(days, p.objects(DayOf(today.utc().AddDate(0, 0, -ago), time.UTC))...)
	}
	for day := range p.confirmed {
		if !slices.Contains(days, day) {
			days = append(days, day)
		}
	}
	slices.SortFunc(days, daily.compare)
	return days
}
