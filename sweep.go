package rotatelog

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Writer that lost the reply to its request for a multipart upload, or its spool, leaves
// something behind in the store. That is swept once a day in the objects of the last days,
// and in each that is written to.

// sweptFile holds a day, and in further lines the objects that were swept on it.
const sweptFile = "swept"

const (
	sweptDays  = 3 // that are looked at, today included
	sweepLimit = 20 * time.Second
)

// sweepDays returns the objects that have not been swept today, by whatever process:
// those of the last days, and those that are worked on or that a batch waits for.
func (p *publisher) sweepDays(waiting map[dayKey][]batch) []dayKey {
	if _, ok := p.cfg.Store.(IntentWriter); !ok {
		return nil
	}
	today := p.cfg.today()
	days := slices.Concat(slices.Collect(maps.Keys(p.workers)), slices.Collect(maps.Keys(waiting)))
	if p.sweptOn != today {
		p.sweptOn, p.swept = today, p.spool.sweptOn(today)
		if len(p.swept) == 0 {
			days = append(days, p.lastDays(today)...)
		}
	}
	days = slices.DeleteFunc(days, func(day dayKey) bool {
		done := p.swept[day]
		p.swept[day] = true
		return done
	})
	if len(days) == 0 {
		return nil
	}
	if err := p.spool.saveSwept(today, p.swept); err != nil { // no other process is to wait for it today
		p.cfg.reportNotSwept(err)
		return nil
	}
	return days
}

// lastDays returns the objects of the last days.
func (p *publisher) lastDays(today Day) (days []dayKey) {
	for ago := range sweptDays {
		days = append(days, p.objects(DayOf(today.utc().AddDate(0, 0, -ago), time.UTC))...)
	}
	return days
}

// sweptOn returns the objects that were swept on a day, as far as the spool knows.
func (s *spool) sweptOn(today Day) map[dayKey]bool {
	swept := map[dayKey]bool{}
	content, err := s.readFile(s.path(sweptFile))
	first, rest, _ := strings.Cut(string(content), "\n")
	if err != nil || first != today.String() {
		return swept
	}
	for line := range strings.Lines(rest) {
		var day dayKey
		if day.UnmarshalText([]byte(strings.TrimSuffix(line, "\n"))) == nil {
			swept[day] = true
		}
	}
	return swept
}

// saveSwept is the reverse of sweptOn.
func (s *spool) saveSwept(today Day, swept map[dayKey]bool) error {
	var lines []string
	for day := range swept {
		lines = append(lines, day.String()+"\n")
	}
	slices.Sort(lines)
	return s.writeFile(s.path(sweptFile), []byte(today.String()+"\n"+strings.Join(lines, "")))
}

// sweep has the store remove what was left behind. It is tidiness: it gets little
// time, and what fails is tried again tomorrow.
func (w *dayWorker) sweep(ctx context.Context) {
	today := w.cfg.today()
	if w.sweepFailed(today, false) {
		return
	}
	limited, cancel := context.WithTimeout(ctx, sweepLimit)
	defer cancel()
	in, _, err := w.spool.loadIntent(w.intentName())
	if err == nil {
		var keep []string
		if in.Text != "" {
			keep = append(keep, in.Text)
		}
		err = w.cfg.Store.(IntentWriter).Sweep(limited, w.key(), keep)
	}
	if err != nil && ctx.Err() == nil && !w.sweepFailed(today, true) {
		w.cfg.reportNotSwept(err)
	}
}

// sweepFailed reports whether a sweep has failed on a day, and records it if this one
// does.
func (p *publisher) sweepFailed(today Day, fails bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	failed := p.unswept == today
	if fails {
		p.unswept = today
	}
	return failed
}
