package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/sleep"
)

// UploadsConfig says who is told of uploads. Only To is needed.
type UploadsConfig struct {
	// To are webhooks.
	To []*Receiver
	// Host names this machine: its name unless set.
	Host string
	// Failed, if set, is told what could not be sent. It may be called at any time, from
	// one goroutine at a time.
	Failed func(error)
	// Sleep waits between attempts: on the system's clock unless set.
	Sleep func(context.Context, time.Duration) error
	// Transport makes the requests: the network unless set.
	Transport http.RoundTripper
}

// Uploads tells webhooks of each upload that is in its day's object. Its method Uploaded is
// for [rotatelog.Hooks]. It is safe for concurrent use.
//
// What it sends has the upload_id as its id, and in the header Idempotency-Key: an upload
// may be told twice, and never is if the process ends too early. So it is news, and what
// counts is the object.
type Uploads struct {
	cfg    UploadsConfig
	poster poster
	cancel context.CancelCauseFunc
	ended  chan struct{} // closed when all is sent or given up

	mu     sync.Mutex
	queue  chan rotatelog.Uploaded
	closed bool // under mu, which is held to send to queue as well

	failing sync.Mutex // held while Failed is called
}

// UploadNews is what a webhook gets of an upload.
type UploadNews struct {
	Text   string    `json:"text"`
	ID     string    `json:"id"` // the upload_id
	Kind   Kind      `json:"kind"`
	Host   string    `json:"host"`
	Upload UploadEnd `json:"upload"`
}

// KindUpload is the Kind of UploadNews.
const KindUpload Kind = "upload"

// UploadEnd is an upload as it is in its day's object.
type UploadEnd struct {
	Stream     string        `json:"stream"`
	Day        rotatelog.Day `json:"day"`
	Key        string        `json:"key"`
	Sequence   int           `json:"upload_sequence"`
	Fetches    int           `json:"fetches"`
	Matches    int64         `json:"match_records"`
	Bytes      int64         `json:"bytes"`
	DayUploads int           `json:"day_uploads"`
	DayFetches int           `json:"day_fetches"`
	DayMatches int64         `json:"day_match_records"`
}

const (
	maxQueued      = 100 // uploads that wait to be told
	uploadAttempts = 6   // for each webhook
)

// NewUploads returns Uploads. It starts a goroutine, which Close ends.
func NewUploads(cfg UploadsConfig) (*Uploads, error) {
	if len(cfg.To) == 0 {
		return nil, errors.New("alert.UploadsConfig needs To")
	}
	for _, r := range cfg.To {
		if r.kind != "webhook" {
			return nil, fmt.Errorf("of uploads only a webhook can be told, not %s", r.kind)
		}
	}
	if cfg.Host == "" {
		name, _ := os.Hostname()
		cfg.Host = cmp.Or(name, "?")
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep.For
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	u := &Uploads{cfg: cfg, poster: poster{cfg.Transport}, cancel: cancel, ended: make(chan struct{}), queue: make(chan rotatelog.Uploaded, maxQueued)}
	go u.run(ctx)
	return u, nil
}

// Uploaded puts an upload into the queue. It never waits: if too many wait, this one is not
// told, which Failed hears of.
func (u *Uploads) Uploaded(x rotatelog.Uploaded) {
	if !u.enqueue(x) {
		u.failed(fmt.Errorf("upload %s is not told: %d wait already, or Close was called", x.ID, maxQueued))
	}
}

func (u *Uploads) enqueue(x rotatelog.Uploaded) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return false
	}
	select {
	case u.queue <- x:
		return true
	default:
		return false
	}
}

// Close waits until all is told or given up, or until ctx is done: then the rest is given
// up. It can be repeated.
func (u *Uploads) Close(ctx context.Context) error {
	u.mu.Lock()
	if !u.closed {
		u.closed = true
		close(u.queue)
	}
	u.mu.Unlock()
	select {
	case <-u.ended:
		return nil
	case <-ctx.Done():
	}
	u.cancel(context.Cause(ctx))
	<-u.ended
	return context.Cause(ctx)
}

func (u *Uploads) run(ctx context.Context) {
	defer close(u.ended)
	for x := range u.queue {
		var sending sync.WaitGroup
		errs := make([]error, len(u.cfg.To))
		for i, r := range u.cfg.To {
			sending.Go(func() { errs[i] = u.tell(ctx, r, x) })
		}
		sending.Wait()
		if err := errors.Join(errs...); err != nil {
			u.failed(fmt.Errorf("upload %s is not told: %w", x.ID, err))
		}
	}
}

// tell tells one webhook.
func (u *Uploads) tell(ctx context.Context, r *Receiver, x rotatelog.Uploaded) error {
	for pause := firstPause; ; pause *= 2 {
		err := u.poster.webhook(ctx, r.url, u.news(x), x.ID)
		if err == nil {
			return nil
		}
		if !isTransient(err) || pause >= firstPause<<(uploadAttempts-1) || u.cfg.Sleep(ctx, pause) != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
	}
}

func (u *Uploads) news(x rotatelog.Uploaded) UploadNews {
	return UploadNews{
		Text: fmt.Sprintf("[%s] %s %s: upload %d, %s, %s, %s", u.cfg.Host, x.Name, x.Day, x.Sequence,
			format.Plural(x.Fetches, "fetch", "fetches"), format.Plural(x.Matches, "match record", "match records"), format.Bytes(x.Bytes)),
		ID: x.ID, Kind: KindUpload, Host: u.cfg.Host,
		Upload: UploadEnd{Stream: x.Name, Day: x.Day, Key: x.Key, Sequence: x.Sequence, Fetches: x.Fetches, Matches: x.Matches, Bytes: x.Bytes,
			DayUploads: x.Totals.Uploads, DayFetches: x.Totals.Fetches, DayMatches: x.Totals.Matches},
	}
}

func (u *Uploads) failed(err error) {
	u.failing.Lock()
	defer u.failing.Unlock()
	if u.cfg.Failed != nil {
		u.cfg.Failed(err)
	}
}
