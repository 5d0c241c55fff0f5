package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestMain(m *testing.M) {
	RunChild(context.Background())
	os.Exit(m.Run())
}

// TestChildProcessUploadsTheSame: an upload in a separate process is like one in this.
func TestChildProcessUploadsTheSame(t *testing.T) {
	server := fake(t)
	stream := Stream{filepath.Join(t.TempDir(), "stream"), "days/"}
	for _, way := range []string{"rotatelog", "script"} {
		used, err := Task{Way: way, Server: server, Stream: stream, Fetch: smallFetch}.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if used.Heap < 10*smallFetch || used.Resident < used.Idle {
			t.Errorf("%s: %+v", way, used)
		}
	}
	var day struct {
		Uploads []any `json:"uploads"`
	}
	decode(t, get(t, server, stream.Key()), &day)
	if len(day.Uploads) != 2 {
		t.Errorf("%d uploads, want 2", len(day.Uploads))
	}
	stream.Prefix = "elsewhere/"
	server.Secret = "wrong"
	if used, err := (Task{Way: "rotatelog", Server: server, Stream: stream, Fetch: smallFetch}).Start(t.Context()); err == nil {
		t.Errorf("with a wrong secret: %+v", used)
	}
}
