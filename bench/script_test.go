package bench

import (
	"encoding/json"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/football"
)

func TestScriptAppends(t *testing.T) {
	server := fake(t)
	var requests Requests
	script := Script{server.Client(&requests), server.Bucket, "day.json"}
	feed := football.New(1, 0)
	for range 3 {
		if err := script.Upload(t.Context(), [][]byte{feed.Next(), feed.Next()}, football.Start()); err != nil {
			t.Fatal(err)
		}
	}
	var day struct {
		Metadata struct {
			Uploads int `json:"total_uploads"`
			Matches int `json:"total_matches_today"`
		} `json:"daily_metadata"`
		Uploads []struct {
			Fetches []json.RawMessage `json:"fetch_data"`
		} `json:"uploads"`
	}
	decode(t, get(t, server, "day.json"), &day)
	if day.Metadata.Uploads != 3 || day.Metadata.Matches != 6 || len(day.Uploads) != 3 || len(day.Uploads[2].Fetches) != 2 {
		t.Errorf("%+v", day)
	}
	if requests.Total() != 6 || requests.ByName()["PutObject"] != 3 {
		t.Errorf("requests: %v", requests.ByName())
	}
}

func TestGetPutAppends(t *testing.T) {
	server := fake(t)
	client := server.Client(new(Requests))
	rope := newRope(t)
	write(t, rope, "object", "first")
	if err := Place(t.Context(), server, rope, "object"); err != nil {
		t.Fatal(err)
	}
	whole := GetPut{client, server.Bucket, "object", int64(len("first"))}
	for _, batch := range []string{", second", ", third"} {
		if err := whole.Upload(t.Context(), []byte(batch)); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(get(t, server, "object")); got != "first, third" {
		t.Errorf("got %q", got)
	}
}

// fake returns a fake server that behaves like RGW, reached over TCP.
func fake(tb testing.TB) Server {
	tb.Helper()
	const bucket = "bench"
	srv := fakes3.New(fakes3.Options{Profile: fakes3.RGW18(), AccessKey: "key", SecretKey: "secret", CheapCopies: true})
	srv.CreateBucket(bucket)
	listening := httptest.NewServer(srv)
	tb.Cleanup(listening.Close)
	return Server{Name: "fake", Endpoint: listening.URL, Bucket: bucket, Key: "key", Secret: "secret"}
}

func get(tb testing.TB, s Server, key string) []byte {
	tb.Helper()
	out, err := s.Client(new(Requests)).GetObject(tb.Context(), &s3.GetObjectInput{Bucket: &s.Bucket, Key: &key})
	if err != nil {
		tb.Fatal(err)
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func decode(tb testing.TB, text []byte, into any) {
	tb.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		tb.Fatal(err)
	}
}
