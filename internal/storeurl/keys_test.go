package storeurl

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/settings"
)

const bucket = "logs"

// world is a server, and the settings file with its key.
type world struct {
	t    *testing.T
	srv  *fakes3.Server
	url  string
	file string
}

// newWorld returns a server that takes the secret "right".
func newWorld(t *testing.T) *world {
	srv := fakes3.New(fakes3.Options{Profile: fakes3.Linode(), AccessKey: "AKID", SecretKey: "right"})
	srv.CreateBucket(bucket)
	ts := httptest.NewServer(srv)
	t.Cleanup(ts.Close)
	return &world{t, srv, "s3://" + bucket + "?endpoint=" + ts.URL, filepath.Join(t.TempDir(), "env")}
}

func (w *world) setKey(prefix, secret string) {
	w.t.Helper()
	text := fmt.Sprintf("%[1]sAWS_ACCESS_KEY_ID=AKID\n%[1]sAWS_SECRET_ACCESS_KEY=%s\n", prefix, secret)
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// open opens the store with the settings as they are.
func (w *world) open(query string) (rotatelog.Store, error) {
	w.t.Helper()
	s, err := settings.Load(settings.Sources{Config: w.file})
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := Parse(w.url+query, Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Open(NewKeys(s))
}

// put writes an object by one PutObject or, if it is large, in parts.
func (w *world) put(store rotatelog.Store, key string, size int) error {
	return store.Write(w.t.Context(), key, "", []rotatelog.Part{rotatelog.Data(make([]byte, size))}, nil)
}

func TestKeyOfTheProfile(t *testing.T) {
	w := newWorld(t)
	w.setKey("MIRROR_", "right")
	store, err := w.open("&profile=MIRROR")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.put(store, "a", 10); err != nil {
		t.Error(err)
	}
	const want = "neither the environment nor a settings file sets OTHER_AWS_ACCESS_KEY_ID and OTHER_AWS_SECRET_ACCESS_KEY"
	if _, err := w.open("&profile=other"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestKeyIsReadAgainWhenTheFileChanges(t *testing.T) {
	w := newWorld(t)
	w.setKey("", "wrong")
	store, err := w.open("")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.put(store, "a", 10); !errors.Is(err, rotatelog.ErrPermanent) {
		t.Fatalf("with a wrong key: %v", err)
	}
	w.setKey("", "right")
	if err := w.put(store, "a", 10); err != nil {
		t.Error(err)
	}
}

// A key that is replaced while a request is under way costs no request: what is refused
// is repeated at once. The server takes the access key "AKID" only.
func TestRefusedRequestIsRepeatedWithANewKey(t *testing.T) {
	for _, size := range []int{10, 20 << 20} { // one PutObject, and a multipart upload
		w := newWorld(t)
		w.setKey("", "right")
		store, err := w.open("")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.put(store, "first", 10); err != nil {
			t.Fatal(err)
		}
		// Each write is refused as if the key had been revoked a moment ago, and by
		// then a file with a new one is there.
		refused := 0
		w.srv.Fault = func(op fakes3.Op) fakes3.Fault {
			if op.Key != "second" || refused > 0 || !slices.Contains([]string{"PutObject", "CreateMultipartUpload"}, op.Name) {
				return fakes3.Fault{}
			}
			refused++
			w.setKey("", "right")
			return fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "InvalidAccessKeyId"}}
		}
		w.setKey("", "wrong")
		if err := w.put(store, "second", size); err != nil || refused != 1 {
			t.Errorf("%d bytes: %v, refused %d times", size, err, refused)
		}
	}
}

// Without another key, a refused request is not repeated.
func TestRefusedRequestIsNotRepeatedWithTheSameKey(t *testing.T) {
	w := newWorld(t)
	w.setKey("", "right")
	store, err := w.open("")
	if err != nil {
		t.Fatal(err)
	}
	requests := 0
	w.srv.Fault = func(op fakes3.Op) fakes3.Fault {
		requests++
		return fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "AccessDenied"}}
	}
	if _, err := store.Stat(t.Context(), "a"); !errors.Is(err, rotatelog.ErrPermanent) || requests != 1 {
		t.Errorf("%v, after %d requests", err, requests)
	}
}
