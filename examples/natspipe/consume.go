package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
)

// openWriter opens the Writer of what comes through the stream.
func openWriter(ctx context.Context, dir, folder string, lockWait time.Duration) (*rotatelog.Writer, error) {
	store, err := dirstore.Open(folder) // for a bucket: s3store.New
	if err != nil {
		return nil, err
	}
	return rotatelog.Open(ctx, rotatelog.Config{
		Dir: dir, Store: store, LockWait: lockWait,
		Identity: rotatelog.ContentIdentity, // what comes twice is stored once
		TimeOf:   rotatelog.HeaderTime,      // on the day it was made, however late it comes
	})
}

// consume appends what is in the stream. A second process on the same dir is refused; one
// elsewhere would not know what this one has stored.
func consume(ctx context.Context, out io.Writer, url, dir, folder string, timeout, ackWait time.Duration) error {
	w, err := openWriter(ctx, dir, folder, timeout)
	if err != nil {
		return err
	}
	defer w.Close()
	js, err := connect(url, timeout)
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	messages, err := subscribe(ctx, js, ackWait)
	if err != nil {
		return err
	}
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		if err := handle(ctx, out, w, js, msg); err != nil {
			log.Printf("%v; the fetch comes again", err)
		}
	}
}

// subscribe has a fetch delivered only after the one before it was acknowledged. So they come
// in the order of the stream, one at a time is in memory, and a lost ack repeats one only.
func subscribe(ctx context.Context, js jetstream.JetStream, ackWait time.Duration) (jetstream.MessagesContext, error) {
	c, err := js.CreateOrUpdateConsumer(ctx, fetches, jetstream.ConsumerConfig{
		Durable: "archive", AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: 1, MaxDeliver: -1,
	})
	if err != nil {
		return nil, err
	}
	return c.Messages(jetstream.PullMaxMessages(1), jetstream.WithMessagesErrOnMissingHeartbeat(false))
}

// handle acknowledges a fetch when Append has returned: then it is on this machine's disk.
// Without the ack, whatever the reason, it stays in the stream and comes again.
func handle(ctx context.Context, out io.Writer, w *rotatelog.Writer, js jetstream.JetStream, msg jetstream.Msg) error {
	r, err := w.Append(ctx, msg.Data())
	switch {
	case errors.Is(err, rotatelog.ErrInvalidFetch): // or it would be in the way of all others
		log.Printf("%v; it goes to the stream %s", err, rejected)
		if _, err := js.PublishMsg(ctx, &nats.Msg{Subject: rejected, Data: msg.Data()}); err != nil {
			return err
		}
	case err != nil: // a full disk, for example
		return errors.Join(err, msg.NakWithDelay(pause))
	case r.Duplicate:
		fmt.Fprintln(out, "known", msg.Headers().Get(jetstream.MsgIDHeader))
	default:
		fmt.Fprintln(out, "stored", msg.Headers().Get(jetstream.MsgIDHeader))
	}
	return msg.DoubleAck(ctx)
}
