package s3store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

func listAll(ctx context.Context, store *s3store.Store, prefix string) (keys []string, err error) {
	for key, err := range store.List(ctx, prefix) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// TestListPages: as many requests as there are thousands of keys, of any kind.
func TestListPages(t *testing.T) {
	t.Parallel()
	srv, client := s3test.NewFake(fakes3.Options{})
	var want []string
	for i := range 2500 {
		key := fmt.Sprintf("logs/%04d +%%2B&<\x01\r\n\uFFFE ü", i)
		srv.PutObject(s3test.Bucket, key, nil, nil)
		want = append(want, key)
	}
	srv.PutObject(s3test.Bucket, "log", nil, nil)
	srv.PutObject(s3test.Bucket, "logs0", nil, nil)
	store := s3test.NewStore(client, s3store.Options{})
	keys, err := listAll(t.Context(), store, "logs/")
	if n := srv.Stats().Requests["ListObjectsV2"]; err != nil || !slices.Equal(keys, want) || n != 3 {
		t.Errorf("%d keys, %v, in %d requests, want %d in 3", len(keys), err, n, len(want))
	}
	srv.Reset()
	for key := range store.List(t.Context(), "") {
		if key != "log" {
			t.Errorf("the first key is %q", key)
		}
		break
	}
	if n := srv.Stats().Total(); n != 1 {
		t.Errorf("a list that is left at once takes %d requests", n)
	}
}

// page is an answer to ListObjectsV2.
func page(inside string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + inside + `</ListBucketResult>`
}

func contents(keys ...string) (text string) {
	for _, key := range keys {
		text += "<Contents><Key>" + key + "</Key></Contents>"
	}
	return text
}

const truncated = "<IsTruncated>true</IsTruncated>"

// TestOddLists: answers that servers should not give, by what they were asked. No such
// answer makes a list that seems whole and is not, or that does not end.
func TestOddLists(t *testing.T) {
	t.Parallel()
	const url = "<EncodingType>url</EncodingType>"
	token := func(s string) string { return "<NextContinuationToken>" + s + "</NextContinuationToken>" }
	for _, tt := range []struct {
		name string
		// answers are the pages by continuation-token, or "after " and start-after.
		answers map[string]string
		keys    string
		err     string
	}{
		{"raw keys", map[string]string{"": page(contents("a%20b", "a+b"))}, "a%20b a+b", ""},
		{"url with plus for a space", map[string]string{"": page(url + contents("a+b", "a%2Bb"))}, "a b a+b", ""},
		{"no token", map[string]string{"": page(contents("a1", "a2") + truncated), "after a2": page(contents("a3"))}, "a1 a2 a3", ""},
		{"no token, and starts with the key itself", map[string]string{"": page(contents("a1", "a2") + truncated), "after a2": page(contents("a2", "a3"))}, "a1 a2 a3", ""},
		{"no token, and starts again", map[string]string{"": page(contents("a1", "a2") + truncated), "after a2": page(contents("a1", "a2") + truncated)}, "a1 a2", "not the order of their bytes"},
		{"no token and no keys", map[string]string{"": page(truncated)}, "", "does not list them"},
		{"only the last key, again and again", map[string]string{"": page(contents("a1") + truncated), "after a1": page(contents("a1") + truncated)}, "a1", "does not list them"},
		{"an empty page", map[string]string{"": page(truncated + token("t1")), "t1": page(contents("a1"))}, "a1", ""},
		{"a token that repeats", map[string]string{"": page(contents("a1") + truncated + token("t1")), "t1": page(contents("a2") + truncated + token("t1"))}, "a1", "does not list them"},
		{"a token that repeats with the page", map[string]string{"": page(contents("a1", "a2") + truncated + token("t1")), "t1": page(contents("a1", "a2") + truncated + token("t2"))}, "a1 a2", "not the order of their bytes"},
		{"a token at the end", map[string]string{"": page(contents("a1") + token("t1"))}, "a1", ""},
		{"out of order", map[string]string{"": page(contents("a2", "a1"))}, "", "not the order of their bytes"},
		{"ignores the prefix", map[string]string{"": page(contents("Z", "a"))}, "", `lists "Z" among the keys that begin with "a"`},
		{"url that is none", map[string]string{"": page(url + contents("a%zz"))}, "", `lists "a%zz" among`},
		{"no key", map[string]string{"": page("<Contents></Contents>")}, "", `lists "" among`},
		{"a web page", map[string]string{"": "<html>"}, "", "web page"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := s3test.InProcess(s3test.NewClient("http://s3.test"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				asked := q.Get("continuation-token")
				if after := q.Get("start-after"); after != "" {
					asked = "after " + after
				}
				answer, ok := tt.answers[asked]
				if !ok || q.Get("prefix") != "a" || q.Get("list-type") != "2" {
					t.Errorf("asked %s", r.URL)
				}
				if strings.HasPrefix(answer, "<html>") {
					w.Header().Set("Content-Type", "text/html")
				}
				io.WriteString(w, answer)
			}))
			keys, err := listAll(t.Context(), s3test.NewStore(client, s3store.Options{}), "a")
			if got := strings.Join(keys, " "); got != tt.keys {
				t.Errorf("keys %q, want %q", got, tt.keys)
			}
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("%v, want in it: %q", err, tt.err)
			}
			if e, ok := errors.AsType[*rotatelog.Error](err); err != nil && (!ok || e.Hint == "" || e.Op != "list" || e.Key != "a") {
				t.Errorf("no hint, operation or prefix in %v", err)
			}
		})
	}
}

// TestListWhereThereIsNone: a server that cannot list says so, and a list that was
// allowed to begin fails later.
func TestListWhereThereIsNone(t *testing.T) {
	t.Parallel()
	srv, client := s3test.NewFake(fakes3.Options{})
	for i := range 1500 {
		srv.PutObject(s3test.Bucket, fmt.Sprintf("%04d", i), nil, nil)
	}
	store := s3test.NewStore(client, s3store.Options{})
	var answer fakes3.Error
	srv.Fault = func(op fakes3.Op) fakes3.Fault {
		if op.N == 2 {
			return fakes3.Fault{Reply: answer}
		}
		return fakes3.Fault{}
	}
	for _, tt := range []struct {
		answer      fakes3.Error
		unsupported bool
		want        string
	}{
		{fakes3.Error{Status: 501}, true, "does not list objects"},
		{fakes3.Error{Status: 403}, false, "s3:ListBucket"},
		{fakes3.Error{Status: 404, Code: "NoSuchBucket"}, false, "create it"},
	} {
		srv.Reset()
		answer = tt.answer
		keys, err := listAll(t.Context(), store, "")
		if len(keys) != 1000 || err == nil || errors.Is(err, errors.ErrUnsupported) != tt.unsupported || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %d keys, %v", tt.answer, len(keys), err)
		}
	}
}
