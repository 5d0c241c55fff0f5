package rotatelog_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// TestS3OwnedKeyOnWeakServers: a key with one Writer works on every server, even one
// that honours no condition, or refuses one that holds.
func TestS3OwnedKeyOnWeakServers(t *testing.T) {
	versioned := func(p fakes3.Profile) fakes3.Profile { p.Name += ", versioned"; return p }
	for _, profile := range append(fakes3.Profiles(), versioned(fakes3.RGW16()), versioned(fakes3.RGW20())) {
		t.Run(profile.Name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				srv, client := s3test.NewFake(fakes3.Options{Profile: profile})
				b.cfg.Store = s3test.NewStore(client, s3store.Options{})
				if strings.HasSuffix(profile.Name, "versioned") {
					_, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String(s3test.Bucket),
						VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
					if err != nil {
						t.Fatal(err)
					}
				}
				lost, puts := 0, 0
				srv.Fault = func(op fakes3.Op) fakes3.Fault {
					if op.Name == "PutObject" && !s3test.IsProof(op.Key) {
						puts++
					}
					if (op.Name == "PutObject" || op.Name == "CompleteMultipartUpload") && op.N%3 == 0 {
						lost++
						return fakes3.Fault{Drop: true, After: true}
					}
					return fakes3.Fault{}
				}
				b.open()
				for range 6 {
					b.append(ten...)
					b.flush()
				}
				if m := s3Day(t, srv, dayA).Metadata; m.Uploads != 6 || m.Matches != 6*55 || lost == 0 {
					t.Errorf("%+v, with %d replies lost", m, lost)
				}
				if puts > 6 {
					t.Errorf("%d PutObject for 6 uploads", puts)
				}
				other := b.second()
				defer other.Close()
				other.append(1)
				if err := other.Flush(t.Context()); !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "s3store.Options.Shared") {
					t.Errorf("a second Writer: %v", err)
				}
			})
		})
	}
}

// TestS3EightWritersShareAKey: eight Writers with separate directories append to one
// key at once.
func TestS3EightWritersShareAKey(t *testing.T) {
	t.Parallel()
	for _, profile := range []fakes3.Profile{fakes3.Strict(), fakes3.Linode(), fakes3.RGW20(), fakes3.MinIO(), fakes3.Versity()}[:depth.N(2, 5, 5)] {
		t.Run(profile.Name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				_, client := s3test.NewFake(fakes3.Options{Profile: profile})
				b.cfg.MaxFetches = 3
				b.open()
				b.Close()
				var writers []*bench
				for range 8 {
					b.cfg.Store = s3test.NewStore(client, s3store.Options{Shared: true})
					writers = append(writers, b.second())
				}
				inParallel(t, writers)
				store := s3test.NewStore(client, s3store.Options{})
				o, err := store.Stat(t.Context(), dayA)
				if err != nil {
					t.Fatal(err)
				}
				content, err := s3test.ReadAll(t.Context(), store, dayA, o.Version, 0, -1)
				if err != nil {
					t.Fatal(err)
				}
				if m := parseDay(t, dayA, []byte(content)).Metadata; m.Fetches != 80 || m.Matches != 8*55 {
					t.Errorf("%+v", m)
				}
			})
		})
	}
}

// TestS3SharingIsRefused where nothing keeps Writers from overwriting each other.
func TestS3SharingIsRefused(t *testing.T) {
	for _, profile := range []fakes3.Profile{fakes3.B2(), fakes3.NoConditions()} {
		t.Run(profile.Name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				srv, client := s3test.NewFake(fakes3.Options{Profile: profile})
				b.cfg.Store = s3test.NewStore(client, s3store.Options{Shared: true})
				b.open()
				b.append(ten...)
				err := b.Flush(t.Context())
				if !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "cannot share") {
					t.Errorf("%v, want an error that says why", err)
				}
				time.Sleep(20 * time.Second) // Flush may have had it tried once more, which is proven again
				if keys := srv.Keys(s3test.Bucket); len(keys) > 0 || len(b.pending()) != 1 {
					t.Errorf("stored %q; pending %q", keys, b.pending())
				}
			})
		})
	}
}

func TestS3PlainHTTPWarns(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"http://10.0.0.1:7480": true, "http://example.com": true, "https://example.com": false,
		"http://127.0.0.1:7480": false, "http://localhost": false, "http://[::1]:1": false,
	} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.cfg.Store = s3test.NewStore(s3test.NewClient(endpoint), s3store.Options{})
			b.open()
			if got := strings.Contains(b.log.String(), "plain http"); got != want {
				t.Errorf("%s: %s", endpoint, b.log)
			}
		})
	}
}
