package s3store_test

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
	"example.com/rotatelog/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	for _, profile := range s3test.Profiles()[:depth.N(2, 5, 7)] {
		t.Run(profile.Name, func(t *testing.T) {
			storetest.Run(t, provenOnce(func() (*s3store.Store, *fakes3.Server) {
				srv, client := s3test.NewFake(fakes3.Options{Profile: profile})
				return s3test.NewStore(client, s3store.Options{}), srv
			}))
		})
	}
}

func TestS3StoreOverHTTP(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	for _, profile := range []fakes3.Profile{fakes3.Strict(), fakes3.Linode()}[:depth.N(1, 2, 2)] {
		t.Run(profile.Name, func(t *testing.T) {
			store := overHTTP(t, profile)
			storetest.Run(t, func(*testing.T) rotatelog.Store { return store })
		})
	}
}

// TestS3StoreAt runs against the real bucket ROTATELOG_TEST_BUCKET at
// ROTATELOG_TEST_ENDPOINT, in AWS_REGION, with the usual AWS_ variables. It leaves
// about 150 objects there, under storetest/.
func TestS3StoreAt(t *testing.T) {
	endpoint, bucket := os.Getenv("ROTATELOG_TEST_ENDPOINT"), os.Getenv("ROTATELOG_TEST_BUCKET")
	if endpoint == "" || bucket == "" {
		t.Skip("ROTATELOG_TEST_ENDPOINT and ROTATELOG_TEST_BUCKET name no bucket")
	}
	key := credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN"))
	client := s3store.NewClient(endpoint, cmp.Or(os.Getenv("AWS_REGION"), "us-east-1"), key)
	storetest.Run(t, func(t *testing.T) rotatelog.Store {
		return s3test.Must(s3store.New(client, bucket, s3store.Options{}))
	})
}

func overHTTP(t *testing.T, profile fakes3.Profile) rotatelog.Store {
	srv, _ := s3test.NewFake(fakes3.Options{Profile: profile})
	web := httptest.NewServer(srv)
	t.Cleanup(web.Close)
	return s3test.NewStore(s3test.NewClient(web.URL), s3store.Options{})
}

// recorder keeps the headers of the requests that pass.
type recorder struct {
	http.Handler
	mu   sync.Mutex
	seen []*http.Request
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.seen = append(r.seen, req.Clone(context.Background()))
	r.mu.Unlock()
	r.Handler.ServeHTTP(w, req)
}

// careless returns a client as config.LoadDefaultConfig makes it: with the SDK's
// checksums, and retries for everything.
func careless(client *s3.Client) *s3.Client {
	return s3.New(client.Options(), func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
		o.ContinueHeaderThresholdBytes = 1
		o.Retryer = retry.NewStandard()
	})
}

// TestS3Requests: what goes over the wire, whatever the client.
func TestS3Requests(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		for name, change := range map[string]func(*s3.Client) *s3.Client{
			"own":      func(c *s3.Client) *s3.Client { return c },
			"careless": careless,
		} {
			t.Run(scheme+" "+name, func(t *testing.T) {
				srv, _ := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode()})
				rec := &recorder{Handler: srv}
				client := change(s3test.InProcess(s3test.NewClient(scheme+"://s3.test"), rec))
				store := s3test.NewStore(client, s3store.Options{})
				s3test.Write(t, store, "dir/key", "", map[string]string{"name": "value"}, rotatelog.Data([]byte("a")))
				v := s3test.Stat(t, store, "dir/key").Version
				s3test.Write(t, store, "dir/key", v, nil, rotatelog.Data([]byte("bcd")))
				s3test.WantContent(t, store, "dir/key", "bcd")

				puts, gets := 0, 0
				for _, r := range rec.seen {
					wantPlainRequest(t, r)
					if s3test.IsProof(r.URL.Path) {
						continue
					}
					h := r.Header
					switch r.Method {
					case "GET":
						gets++
					case "PUT":
						puts++
						want := http.Header{"If-Match": {string(v)}, "Content-Md5": {"1LfChIgsqeIIu2Xoq9X0yA=="}}
						if puts == 1 {
							want = http.Header{"If-None-Match": {"*"}, "Content-Md5": {"DMF1ucDxtqgxw5niaXcmYQ=="}, "X-Amz-Meta-Name": {"value"}}
						}
						want.Set("Content-Type", "application/json")
						for _, name := range []string{"If-Match", "If-None-Match", "Content-Md5", "Content-Type", "X-Amz-Meta-Name"} {
							if got := h.Values(name); !slices.Equal(got, want.Values(name)) {
								t.Errorf("PUT %d: %s is %q, want %q", puts, name, got, want.Values(name))
							}
						}
						if r.ContentLength != int64(2*puts-1) {
							t.Errorf("PUT %d: Content-Length %d", puts, r.ContentLength)
						}
					}
				}
				if puts != 2 || gets != 3 { // of which two ask for the version
					t.Errorf("%d PUTs and %d GETs, want 2 and 3", puts, gets)
				}
			})
		}
	}
}

// TestS3ContentType: it follows the end of the key, whether an object is sent
// whole or in parts.
func TestS3ContentType(t *testing.T) {
	_, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode(), MinPartSize: s3test.MinPart})
	store := s3test.NewStore(client, s3test.SmallParts(s3store.Options{}, s3test.MinPart))
	for key, want := range map[string]string{"a.json": "application/json", "a.json.zst": "application/zstd", "a.json.gz": "application/gzip"} {
		check := func() {
			t.Helper()
			o, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(s3test.Bucket), Key: &key})
			if err != nil {
				t.Fatal(err)
			}
			if aws.ToString(o.ContentType) != want || o.ContentEncoding != nil {
				t.Errorf("%s: Content-Type %s, want %s; Content-Encoding %v", key, aws.ToString(o.ContentType), want, o.ContentEncoding)
			}
		}
		s3test.Write(t, store, key, "", nil, rotatelog.Data(make([]byte, 2*s3test.MinPart)))
		check()
		s3test.Write(t, store, key, s3test.Stat(t, store, key).Version, nil, rotatelog.Copy(0, 2*s3test.MinPart), rotatelog.Data([]byte("new")))
		check()
	}
}

// wantPlainRequest checks that a request has nothing that gateways refuse.
func wantPlainRequest(t *testing.T, r *http.Request) {
	t.Helper()
	for name := range r.Header {
		if strings.Contains(strings.ToLower(name), "checksum") || name == "X-Amz-Write-Offset-Bytes" || name == "Expect" || name == "X-Amz-Trailer" {
			t.Errorf("%s has the header %s", r.Method, name)
		}
	}
	if h := r.Header; h.Get("Content-Encoding") != "" || r.Method != "PUT" && r.Method != "POST" && h.Get("If-Match") != "" {
		t.Errorf("%s: %v", r.Method, h)
	}
}

// TestS3Retries: reads are tried again, writes are not.
func TestS3Retries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, change := range map[string]func(*s3.Options){
			"own": func(*s3.Options) {},
			"careless": func(o *s3.Options) {
				o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 9 })
			},
			"no retries": func(o *s3.Options) { o.Retryer = aws.NopRetryer{} },
			"attempts":   func(o *s3.Options) { o.RetryMaxAttempts = 5 },
		} {
			srv, client := s3test.NewFake(fakes3.Options{})
			v := rotatelog.Version(srv.PutObject(s3test.Bucket, "key", []byte("a"), nil))
			for _, fault := range []fakes3.Fault{{Reply: fakes3.Error{Status: 503}}, {Reply: fakes3.Error{Status: 500}}, {Drop: true}, {Drop: true, After: true}} {
				store := s3test.NewStore(s3.New(client.Options(), change), s3store.Options{})
				mustBelieve(t, store, "s3.test")
				srv.Fault = func(fakes3.Op) fakes3.Fault { return fault }
				srv.Reset()
				if _, err := store.Stat(t.Context(), "key"); err == nil || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("Stat: %v", err)
				}
				if _, err := s3test.ReadAll(t.Context(), store, "key", v, 0, -1); err == nil || errors.Is(err, rotatelog.ErrConflict) {
					t.Errorf("Read: %v", err)
				}
				if err := store.Write(t.Context(), "key", v, nil, nil); err == nil || errors.Is(err, rotatelog.ErrConflict) {
					t.Errorf("Write: %v", err)
				}
				want := map[string]int{"HeadObject": 3, "GetObject": 3, "PutObject": 1}
				if got := srv.Stats().Requests; !maps.Equal(got, want) {
					t.Errorf("%s, %+v: requests %v, want %v", name, fault, got, want)
				}
			}
		}
	})
}

// TestS3WriteReplies: which answers mean that a write was not applied. In each case
// the truth may differ, which only another look shows.
func TestS3WriteReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			name      string
			fault     fakes3.Fault
			conflict  bool
			ok        bool
			permanent bool
			applied   bool
		}{
			{name: "fine", ok: true, applied: true},
			{name: "lost reply", fault: fakes3.Fault{Drop: true, After: true}, applied: true},
			{name: "lost request", fault: fakes3.Fault{Drop: true}},
			{name: "412 after success", fault: fakes3.Fault{Reply: fakes3.Error{Status: 412}, After: true}, conflict: true, applied: true},
			{name: "412", fault: fakes3.Fault{Reply: fakes3.Error{Status: 412}}, conflict: true},
			{name: "409", fault: fakes3.Fault{Reply: fakes3.Error{Status: 409, Code: "ConcurrentModification"}}, conflict: true},
			{name: "404", fault: fakes3.Fault{Reply: fakes3.Error{Status: 404}}, conflict: true},
			{name: "404 of the bucket", fault: fakes3.Fault{Reply: fakes3.Error{Status: 404, Code: "NoSuchBucket"}}, permanent: true},
			{name: "200 for a lost race", fault: fakes3.Fault{Lost: true}, ok: true},
			{name: "500 after a race", fault: fakes3.Fault{Reply: fakes3.Error{Status: 500, Code: "UnknownError"}}},
			{name: "500 after success", fault: fakes3.Fault{Reply: fakes3.Error{Status: 500}, After: true}, applied: true},
			{name: "503", fault: fakes3.Fault{Reply: fakes3.Error{Status: 503}}},
			{name: "stalled", fault: fakes3.Fault{Delay: time.Hour}},
			{name: "stalled after success", fault: fakes3.Fault{Delay: time.Hour, After: true}, applied: true},
		} {
			srv, client := s3test.NewFake(fakes3.Options{})
			v := rotatelog.Version(srv.PutObject(s3test.Bucket, "key", []byte("old"), nil))
			srv.Fault = func(op fakes3.Op) fakes3.Fault {
				if op.Name == "PutObject" {
					return tt.fault
				}
				return fakes3.Fault{}
			}
			store := s3test.NewStore(client, s3store.Options{})
			mustBelieve(t, store, "s3.test")
			err := store.Write(t.Context(), "key", v, []rotatelog.Part{rotatelog.Data([]byte("new"))}, nil)
			if (err == nil) != tt.ok || errors.Is(err, rotatelog.ErrConflict) != tt.conflict || errors.Is(err, rotatelog.ErrPermanent) != tt.permanent {
				t.Errorf("%s: %v", tt.name, err)
			}
			if applied := s3test.Stat(t, store, "key").Version != v; applied != tt.applied {
				t.Errorf("%s: applied is %t", tt.name, applied)
			}
		}
	})
}

func TestS3WriteOverMissingKey(t *testing.T) {
	for _, profile := range s3test.Profiles() {
		_, client := s3test.NewFake(fakes3.Options{Profile: profile})
		store := s3test.NewStore(client, s3store.Options{})
		err := store.Write(t.Context(), "key", "0cc175b9c0f1b6a831c399e269772661", []rotatelog.Part{rotatelog.Data([]byte("a"))}, nil)
		if !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("%s: %v, want ErrConflict", profile.Name, err)
		}
	}
}

// TestS3Refuses: what could not come back as it was sent is not sent.
func TestS3Refuses(t *testing.T) {
	client := s3test.InProcess(s3test.NewClient("http://s3.test"), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was sent", r.Method, r.URL)
	}))
	store := s3test.NewStore(client, s3store.Options{})
	for name, tt := range map[string]struct {
		key   string
		meta  map[string]string
		parts []rotatelog.Part
		want  string
	}{
		"no key":          {"", nil, nil, "the key"},
		"long key":        {strings.Repeat("k", 1025), nil, nil, "the key"},
		"key of no text":  {"a\xff", nil, nil, "the key"},
		"key with dots":   {"a/../b", nil, nil, "the key"},
		"key with a dot":  {"./b", nil, nil, "the key"},
		"upper case":      {"k", map[string]string{"Name": ""}, nil, `"Name"`},
		"underscore":      {"k", map[string]string{"a_b": ""}, nil, `"a_b"`},
		"no name":         {"k", map[string]string{"": ""}, nil, `""`},
		"accents":         {"k", map[string]string{"a": "é"}, nil, "printable ASCII"},
		"line feed":       {"k", map[string]string{"a": "x\ny"}, nil, "printable ASCII"},
		"trailing space":  {"k", map[string]string{"a": "x "}, nil, "spaces"},
		"2 KB":            {"k", map[string]string{"a": strings.Repeat("x", 2047)}, nil, "2048 bytes"},
		"more than 5 TiB": {"k", nil, []rotatelog.Part{rotatelog.Copy(0, 3<<40), rotatelog.Copy(0, 3<<40)}, "5497558138880"},
	} {
		err := store.Write(t.Context(), tt.key, "v", tt.parts, tt.meta)
		if !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want in it: %s", name, err, tt.want)
		}
	}
}
