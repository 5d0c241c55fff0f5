package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	fetches  = "fetches"  // the stream, and its subject
	rejected = "rejected" // the stream of what is no fetch, for a person to look at
	maxFetch = 8 << 20    // in bytes; NATS can do 64 MiB but advises against it
)

// serve runs the server, with the streams in dir.
func serve(ctx context.Context, out io.Writer, port int, dir string) error {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, MaxPayload: maxFetch, NoSigs: true,
		JetStream: true, StoreDir: dir,
		SyncAlways: true, // sync a fetch before it is acknowledged: by default every two minutes
	})
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(time.Minute) {
		return errors.New("the server does not start: its log says why")
	}
	js, err := connect("", time.Minute, nats.InProcessServer(s))
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	for _, stream := range []jetstream.StreamConfig{
		{Name: fetches, Retention: jetstream.WorkQueuePolicy, MaxBytes: 1 << 30}, // keeps a fetch until it is acknowledged
		{Name: rejected, MaxBytes: 1 << 28},
	} {
		stream.Discard = jetstream.DiscardNew // full, it refuses the next one, which stays where it is
		if _, err := js.CreateOrUpdateStream(ctx, stream); err != nil {
			return fmt.Errorf("stream %s: %w", stream.Name, err)
		}
	}
	fmt.Fprintln(out, "serving", s.ClientURL())
	<-ctx.Done()
	return nil
}
