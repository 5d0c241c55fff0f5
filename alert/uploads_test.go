package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
)

func uploaded(n int) rotatelog.Uploaded {
	day := rotatelog.Day{Year: 2025, Month: 7, Date: 10}
	return rotatelog.Uploaded{Name: "all_api", ID: fmt.Sprintf("ID%d", n), Day: day, Key: "all_api_rotating_logs/all_api_json_log_2025-07-10.json", Sequence: n,
		Fetches: 10, Matches: 451, Bytes: 18_200_000, Totals: rotatelog.Totals{Name: "all_api", Day: day, Uploads: n, Fetches: 10 * n, Matches: 451 * int64(n)}}
}

// hook is a server for uploads, in the process. Its answers are codes; 0 hangs up.
type hook struct {
	mu      sync.Mutex
	answers []int
	got     []string // ids, of header and body
	last    string
}

func (h *hook) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var news UploadNews
	if err := json.Unmarshal(body, &news); err != nil {
		return nil, err
	}
	h.got, h.last = append(h.got, r.Header.Get("Idempotency-Key")+" "+news.ID), string(body)
	code := 200
	if len(h.answers) > 0 {
		code, h.answers = h.answers[0], h.answers[1:]
	}
	if code == 0 {
		return nil, errors.New("connection reset")
	}
	return answers(code), nil
}

// inUploads runs a test with Uploads in virtual time. failed are the errors.
func inUploads(t *testing.T, transport http.RoundTripper, test func(t *testing.T, u *Uploads, failed func() []string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var errs []string
		u, err := NewUploads(UploadsConfig{To: receivers(t, "webhook:https://hooks.example/SECRET"), Host: "web1", Transport: transport, Failed: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			wantNoSecret(t, err)
			errs = append(errs, err.Error())
		}})
		if err != nil {
			t.Fatal(err)
		}
		test(t, u, func() []string {
			mu.Lock()
			defer mu.Unlock()
			return errs
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		u.Close(ctx)
	})
}

// Each upload is told in order, with its upload_id, again and again if that is needed.
func TestUploadsAreTold(t *testing.T) {
	h := &hook{answers: []int{200, 503, 0, 429, 200}}
	inUploads(t, h, func(t *testing.T, u *Uploads, failed func() []string) {
		begun := time.Now()
		u.Uploaded(uploaded(1))
		u.Uploaded(uploaded(2))
		if took := time.Since(begun); took > 0 {
			t.Errorf("the Writer waits for %v", took)
		}
		if err := u.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"ID1 ID1", "ID2 ID2", "ID2 ID2", "ID2 ID2", "ID2 ID2"}, h.got); diff != "" || len(failed()) > 0 {
			t.Errorf("told (-want +got):\n%s\n%q", diff, failed())
		}
		if took := time.Since(begun); took != 7*time.Second {
			t.Errorf("took %v", took)
		}
	})
	const want = `{"text":"[web1] all_api 2025-07-10: upload 2, 10 fetches, 451 match records, 18.2 MB","id":"ID2","kind":"upload","host":"web1",` +
		`"upload":{"stream":"all_api","day":"2025-07-10","key":"all_api_rotating_logs/all_api_json_log_2025-07-10.json","upload_sequence":2,"fetches":10,` +
		`"match_records":451,"bytes":18200000,"day_uploads":2,"day_fetches":20,"day_match_records":902}}`
	if h.last != want {
		t.Errorf("%s\nwant\n%s", h.last, want)
	}
}

// What cannot be told is given up after a while, and the next one is told.
func TestUploadIsNotTold(t *testing.T) {
	h := &hook{answers: []int{500, 500, 500, 500, 500, 500, 404}}
	inUploads(t, h, func(t *testing.T, u *Uploads, failed func() []string) {
		for n := range 3 {
			u.Uploaded(uploaded(n + 1))
		}
		u.Close(t.Context())
		u.Uploaded(uploaded(4))
		if got := failed(); len(got) != 3 || !strings.Contains(got[0], "upload ID1 is not told: webhook hooks.example: it answers 500") ||
			!strings.Contains(got[1], "ID2 is not told: webhook hooks.example: it answers 404") || !strings.Contains(got[2], "ID4 is not told") {
			t.Errorf("%q", got)
		}
		if len(h.got) != uploadAttempts+2 || h.got[uploadAttempts+1] != "ID3 ID3" {
			t.Errorf("told %q", h.got)
		}
	})
}

// A server that hangs keeps no Writer, takes bounded memory, and Close does not wait for it
// longer than it may.
func TestUploadsWhileTheServerHangs(t *testing.T) {
	inUploads(t, transport(hangs), func(t *testing.T, u *Uploads, failed func() []string) {
		begun := time.Now()
		for n := range maxQueued + 10 {
			u.Uploaded(uploaded(n + 1))
			if n == 0 {
				synctest.Wait() // it is under way
			}
		}
		if n := len(failed()); n != 9 || time.Since(begun) > 0 {
			t.Errorf("%d are not told, after %v", n, time.Since(begun))
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, errors.New("enough"))
		defer cancel()
		if err := u.Close(ctx); err == nil || time.Since(begun) != 3*time.Second || len(failed()) != maxQueued+10 {
			t.Errorf("%v after %v, %d are not told", err, time.Since(begun), len(failed()))
		}
	})
}

func TestUploadsNeedWebhooks(t *testing.T) {
	for _, list := range []string{"", "ntfy:https://ntfy.sh/SECRET", "exec:SECRET"} {
		_, err := NewUploads(UploadsConfig{To: receivers(t, list)})
		wantNoSecret(t, err)
	}
}
