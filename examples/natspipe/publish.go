package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"example.com/rotatelog"
)

// publish publishes the fetches that wait in a directory, in the order of their names. Who
// makes them writes each to a file of another name, syncs it, renames it to *.json, and runs
// this program. What it cannot publish now stays for its next run.
func publish(ctx context.Context, out io.Writer, url, outbox string, timeout time.Duration) error {
	names, err := filepath.Glob(filepath.Join(outbox, "*.json"))
	if err != nil {
		return err
	}
	js, err := connect(url, timeout)
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	var tooLarge error
	for _, name := range names {
		err := publishFile(ctx, out, js, name)
		if errors.Is(err, nats.ErrMaxPayload) { // no retry will help, and the others are not to wait
			tooLarge = errors.Join(tooLarge, err)
		} else if err != nil {
			return err
		}
	}
	return tooLarge
}

// publishFile removes the file when the server has said that the fetch is on its disk. If
// that was not heard, or this process ends before the file is gone, the next run publishes
// the fetch again. It has the same id then, by which the server knows it for two minutes. The
// consumer knows it for much longer: that is what counts.
func publishFile(ctx context.Context, out io.Writer, js jetstream.JetStream, name string) error {
	fetch, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	id, err := rotatelog.ContentIdentity(fetch)
	if err != nil {
		return err
	}
	if _, err := js.Publish(ctx, fetches, fetch, jetstream.WithMsgID(id)); err != nil {
		return fmt.Errorf("%s stays: %w", name, err)
	}
	fmt.Fprintln(out, "published", id)
	return os.Remove(name)
}
