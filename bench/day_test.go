package bench

import (
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
)

// TestDayGoesOn: a Writer takes a day that was built and placed for its own, and
// needs no more than to look at it.
func TestDayGoesOn(t *testing.T) {
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
		store := rotatelog.NewS3Store(server.Client(&requests), server.Bucket, rotatelog.S3Options{})
		w, err := rotatelog.Open(t.Context(), stream.Config(store, t.Output()))
		if err != nil {
			t.Fatal(err)
		}
		feed := football.New(3, 0)
		for range fetches {
			if _, err := w.Append(t.Context(), feed.Next()); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Close()
		var object struct {
			Metadata struct {
				Uploads int `json:"total_uploads"`
			} `json:"daily_metadata"`
		}
		decode(t, get(t, server, stream.Key()), &object)
		if object.Metadata.Uploads != step.uploads+1 {
			t.Errorf("%d uploads, want one more than %d", object.Metadata.Uploads, step.uploads)
		}
		if n := requests.ByName(); n["PutObject"] != 1 || n["GetObject"] > 1 {
			t.Errorf("requests: %v", n)
		}
	}
}
