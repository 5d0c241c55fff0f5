package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/sleep"
	"example.com/rotatelog/internal/spoolwatch"
)

// A Config says what a Handler shows. Streams must be set.
type Config struct {
	// Streams are those that the page shows, the most important one first.
	Streams []Stream
	// Host names the machine: os.Hostname unless set.
	Host string
	// Token is what whoever looks has to know: see the package's comment. Anybody may look
	// unless it is set.
	Token string
	// Metrics answers /metrics, as promhttp.HandlerFor does. Unless set, nothing is found
	// there.
	Metrics http.Handler
	// Clock is the time of day: the system's unless set.
	Clock rotatelog.Clock
}

// A Stream is one to show. Dir must be set.
type Stream struct {
	// Name is Config.Name of its Writer: "all_api" unless set.
	Name string
	// Dir is Config.Dir of its Writer.
	Dir string
	// Writer is the stream's in this process. It is nil if other processes append, if only
	// a fetch each: the spool says nearly as much.
	Writer *rotatelog.Writer
	// Store is where its objects are, for people, as the Location of its Store says: the
	// path of a directory, or the host and the name of a bucket. Unless set, the page calls
	// it the store, until the spool has the path of a directory that was uploaded to.
	Store string
	// Counted says that something counts matches, so that 0 of them is a number.
	Counted bool
	// Options say what is expected of the stream.
	Options health.Options
	// Facts adds what the program knows besides the spool: when it was started, how far
	// the store's clock is off, the objects of the last days, which the page shows as a
	// calendar. It is called for each look, and so must be quick. It may be nil.
	Facts func(*health.Facts)
	// Unknown returns what could not be found out, in sentences. It must be quick, too. It
	// may be nil.
	Unknown func() []string
	// Finding changes a finding before it is shown, such as its steps. It may be nil.
	Finding func(health.Finding) health.Finding

	// DiskOf says what is free on the disk of Dir: health.DiskOf unless set.
	DiskOf func(dir string) (health.Disk, error)

	inspect func() (rotatelog.SpoolStatus, error) // in tests, another
}

// New returns a Handler. It starts nothing.
func New(cfg Config) (*Handler, error) {
	if len(cfg.Streams) == 0 {
		return nil, errors.New("dashboard: Config.Streams is empty: there is nothing to show")
	}
	if cfg.Host == "" {
		cfg.Host, _ = os.Hostname()
	}
	if cfg.Clock == nil {
		cfg.Clock = systemClock{}
	}
	w := &watched{clock: cfg.Clock}
	names := map[string]bool{}
	for _, s := range cfg.Streams {
		s.Name = cmp.Or(s.Name, "all_api")
		switch {
		case s.Dir == "":
			return nil, fmt.Errorf("dashboard: stream %s: Dir is not set: name the directory of its spool", s.Name)
		case names[s.Name]:
			return nil, fmt.Errorf("dashboard: stream %s: it is in Config.Streams twice", s.Name)
		}
		names[s.Name] = true
		if s.DiskOf == nil {
			s.DiskOf = health.DiskOf
		}
		if s.Options.Location == nil { // once: it is read from a file
			s.Options.Location = newYork()
		}
		s.Options.BatchSize = cmp.Or(s.Options.BatchSize, 10)
		w.streams = append(w.streams, &stream{Stream: s, spool: spoolwatch.New(s.Dir, s.Name, s.inspect)})
	}
	h := &Handler{cfg: cfg, board: newBoard(w, cfg.Clock, cfg.Host)}
	h.routes()
	return h, nil
}

// newYork returns the zone of days, which package rotatelog brings along.
func newYork() *time.Location {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		return time.UTC
	}
	return zone
}

// systemClock is the clock of the machine.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error { return sleep.For(ctx, d) }
