// Natspipe gets fetches that are made on many machines into one day's object, each exactly
// once: through a stream of NATS JetStream, which one consumer appends. README.md says
// why nothing is lost or stored twice, whichever process is killed, and when.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const pause = 250 * time.Millisecond // until the next try

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once, which costs no fetch
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	flags := flag.NewFlagSet("natspipe", flag.ContinueOnError)
	port := flags.Int("port", 4222, "of the server; -1 is any that is free")
	timeout := flags.Duration("timeout", 5*time.Second, "how long an answer of the server may take")
	ackWait := flags.Duration("ackwait", 30*time.Second, "after which a fetch without an ack is delivered again")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch role, arg := flags.Arg(0), flags.Arg; {
	case role == "serve" && flags.NArg() == 2:
		return serve(ctx, out, *port, arg(1))
	case role == "publish" && flags.NArg() == 3:
		return publish(ctx, out, arg(1), arg(2), *timeout)
	case role == "consume" && flags.NArg() == 4:
		return consume(ctx, out, arg(1), arg(2), arg(3), *timeout, *ackWait)
	}
	return errors.New("usage: natspipe [flags] serve DIR | publish URL OUTBOX | consume URL DIR STORE; -h lists the flags")
}

// connect connects to the server. Whenever the connection breaks it is made anew, but nothing
// is buffered meanwhile: who has no ack sends again.
func connect(url string, timeout time.Duration, opts ...nats.Option) (jetstream.JetStream, error) {
	opts = append(opts, nats.MaxReconnects(-1), nats.ReconnectWait(pause), nats.ReconnectBufSize(-1))
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		return nil, fmt.Errorf("server %s: %w", url, err)
	}
	return jetstream.New(nc, jetstream.WithDefaultTimeout(timeout))
}
