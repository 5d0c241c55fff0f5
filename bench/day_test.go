package bench

import (
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// TestWriterContinuesAPlacedDay: a Writer takes a day that was built and placed for its own, and
// after one look continues without reading it again.
func TestWriterContinuesAPlacedDay(t *testing.T) {
	server := fake(t)
	day, err := NewDay(t.TempDir(), "days/", t.Output())
	if err != nil {
		t.Fatal(err)
	}
	defer day.Store.Close()
	for _, step := range []struct {
		size    Size
		uploads int
	}{{KB, 1}, {300 * KB, 3}} {
		if err := day.Grow(t.Context(), step.size); err != nil {
			t.Fatal(err)
		}
		if err := Place(t.Context(), server, day.Store, day.Key()); err != nil {
			t.Fatal(err)
		}
		stream, err := day.Fork(t.TempDir() + "/fork")
		if err != nil {
			t.Fatal(err)
		}
		var requests Requests
		store := s3test.Must(s3store.New(server.Client(&requests), server.Bucket, s3store.Options{}))
		w, err := rotatelog.Open(t.Context(), stream.Config(store, t.Output()))
		if err != nil {
			t.Fatal(err)
		}
		feed := football.New(3, 0)
		upload := func() {
			for range fetches {
				if _, err := w.Append(t.Context(), feed.Next()); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		upload() // and reads the version that it does not know
		before := requests.ByName()
		upload()
		w.Close()
		var object struct {
			Metadata struct {
				Uploads int `json:"total_uploads"`
			} `json:"daily_metadata"`
		}
		decode(t, get(t, server, stream.Key()), &object)
		if object.Metadata.Uploads != step.uploads+2 {
			t.Errorf("%d uploads, want two more than %d", object.Metadata.Uploads, step.uploads)
		}
		after := requests.ByName()
		const looks = 2 // GETs of a byte, before and after
		if after["PutObject"] != before["PutObject"]+1 || after["GetObject"] > before["GetObject"]+looks {
			t.Errorf("requests of the second upload: those of %v that are not in %v", after, before)
		}
	}
}
