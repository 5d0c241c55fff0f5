package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
)

// delivery waits for the store at the end of a run.
type delivery struct {
	stream  *stream
	w       *rotatelog.Writer
	outage  *outage
	journal *journal
	wait    time.Duration
	partial bool // the unfinished batch, too
	eager   bool // wait as long as that, also while the store is down
	patient bool // wait as long as that again after each upload
}

// deliver lets another process append, and waits until the batches that are sealed are in
// the store. If not all of them are there in time, it says so, and that they are on disk.
func (r *appender) deliver(ctx context.Context) error {
	if r.command.NoUpload {
		err := r.w.CloseAppend()
		if err != nil {
			r.journal.warn("%v", err)
		}
		return err
	}
	return r.delivery().run(ctx)
}

// delivery returns that of the run.
func (r *appender) delivery() *delivery {
	return &delivery{stream: r.stream, w: r.w, outage: r.outage, journal: r.journal, wait: r.command.Wait,
		partial: r.command.Flush, eager: r.command.Flush}
}

func (d *delivery) run(ctx context.Context) error {
	var err error
	if d.partial {
		err = d.w.Seal(ctx)
	}
	if err = errors.Join(err, d.w.CloseAppend()); err == nil {
		err = d.drain(ctx)
	}
	if err == nil {
		d.journal.release()
		return nil
	}
	waiting := d.waiting()
	if waiting == "" && errors.Is(err, context.DeadlineExceeded) {
		return nil // there was no time to wait, and nothing to wait for
	}
	if waiting == "" {
		waiting = "what was not sent waits"
	}
	d.journal.warn("%s on disk for the next run: %s", waiting, causeOf(err))
	return err
}

func (d *delivery) drain(ctx context.Context) error {
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end := func() { cancel(context.DeadlineExceeded) }
	go d.outage.endStalled(limited, d.wait, d.patient, end)
	if !d.eager {
		go d.outage.endSoon(limited, end)
	}
	err := d.w.Drain(limited)
	if last := d.w.Stats().LastError; err != nil && last != nil && ctx.Err() == nil {
		return last // which says more than that time was up
	}
	return err
}

// waiting returns what is not in the store, as "2 batches (20 fetches, 37 MB) wait"; "" if
// nothing is known to wait.
func (d *delivery) waiting() string {
	status, err := rotatelog.Inspect(d.stream.Dir, d.stream.Name)
	if err != nil || len(status.Pending) == 0 {
		return ""
	}
	fetches, size := 0, int64(0)
	for _, b := range status.Pending {
		fetches += b.Fetches
		size += b.Bytes
	}
	verb := "wait"
	if len(status.Pending) == 1 {
		verb = "waits"
	}
	return fmt.Sprintf("%s (%s, %s) %s", format.Plural(len(status.Pending), "batch", "batches"),
		format.Plural(fetches, "fetch", "fetches"), format.Bytes(size), verb)
}

// unfinished returns how many fetches are in the unfinished batch.
func (d *delivery) unfinished() int {
	status, err := rotatelog.Inspect(d.stream.Dir, d.stream.Name)
	if err != nil {
		return 0
	}
	return status.Unfinished.Fetches
}
