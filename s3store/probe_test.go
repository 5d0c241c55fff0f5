package s3store_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	gocmp "github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// findings returns the results by name.
func findings(c s3store.Capabilities) map[string]s3store.Result {
	m := map[string]s3store.Result{}
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if f, ok := v.Field(i).Interface().(s3store.Finding); ok {
			m[v.Type().Field(i).Name] = f.Result
		}
	}
	return m
}

// notYes returns the findings that are not yes: their names, with =no or =unknown.
func notYes(c s3store.Capabilities) string {
	var list []string
	for name, answer := range findings(c) {
		if answer != s3store.ResultYes {
			list = append(list, fmt.Sprintf("%s=%v", name, answer))
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// wantReasons checks that exactly what is not yes has a reason.
func wantReasons(t *testing.T, c s3store.Capabilities) {
	t.Helper()
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if f, ok := v.Field(i).Interface().(s3store.Finding); ok && (f.Err == nil) != (f.Result == s3store.ResultYes) {
			t.Errorf("%s is %v because of %v", v.Type().Field(i).Name, f.Result, f.Err)
		}
	}
}

// wantClean checks that a probe left nothing that it does not report.
func wantClean(t *testing.T, at string, srv *fakes3.Server, c s3store.Capabilities) {
	t.Helper()
	reported := strings.Join(c.Leftover, "\n")
	for _, key := range srv.Keys(s3test.Bucket) {
		if !strings.Contains(reported, key) {
			t.Errorf("%s: it left %s", at, key)
		}
	}
	for _, u := range srv.Uploads(s3test.Bucket) {
		if !strings.Contains(reported, u.ID) {
			t.Errorf("%s: it left upload %s of %s", at, u.ID, u.Key)
		}
	}
}

func probe(ctx context.Context, client *s3.Client, quick bool) (s3store.Capabilities, error) {
	store := s3test.NewStore(client, s3store.Options{})
	return store.Probe(ctx, "some dir/+", s3store.ProbeOptions{Quick: quick})
}

const (
	noComplete = "CompleteCreateOnly=no CompleteIfMatch=no"
	noPut      = "CreateOnly=no IfMatch=no"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		profile    fakes3.Profile
		notYes     string
		own, share bool
	}{
		{fakes3.Strict(), "Versioned=no", true, true},
		{fakes3.MinIO(), "Versioned=no", true, true},
		{fakes3.Versity(), "Versioned=no", true, true},
		{fakes3.RGW20(), "Versioned=no", true, true},
		{fakes3.RGW18(), noComplete + " Versioned=no", true, true},
		{fakes3.RGW16(), noComplete + " Versioned=no", true, true},
		{fakes3.Linode(), noComplete + " Versioned=no", true, true},
		{fakes3.Gofakes3(), noComplete + " CopyPart=no Versioned=no", true, true},
		{fakes3.Rclone(), "Atomic=no Versioned=no", true, false},
		{fakes3.B2(), "Atomic=no " + noComplete + " " + noPut + " Versioned=no", true, false},
		{fakes3.NoConditions(), "Atomic=no " + noComplete + " " + noPut + " Versioned=no", true, false},
	} {
		t.Run(test.profile.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, client := s3test.NewFake(fakes3.Options{Profile: test.profile})
				c, err := probe(t.Context(), client, false)
				wantProbed(t, c, err, test.notYes, test.own, test.share)
				wantClean(t, "at the end", srv, c)
				if n := srv.Stats().Total(); n > 153 {
					t.Errorf("it took %d requests", n)
				}
			})
		})
	}
}

func wantProbed(t *testing.T, c s3store.Capabilities, err error, want string, own, share bool) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
	if diff := gocmp.Diff(want, notYes(c)); diff != "" {
		t.Error(diff)
	}
	if err := c.CheckExclusive(); (err == nil) != own {
		t.Errorf("CheckExclusive: %v, want %t", err, own)
	}
	if err := c.CheckShared(); (err == nil) != share {
		t.Errorf("CheckShared: %v, want %t", err, share)
	}
	if c.ClockAhead != 0 || len(c.Leftover) != 0 {
		t.Errorf("clock ahead by %v, left %q", c.ClockAhead, c.Leftover)
	}
	wantReasons(t, c)
}

func TestProbeVersioned(t *testing.T) {
	for _, test := range []struct {
		profile    fakes3.Profile
		notYes     string
		own, share bool
	}{
		{fakes3.Strict(), "", true, true},
		{fakes3.MinIO(), "", true, true},
		{fakes3.RGW20(), "Atomic=no", true, false},
		{fakes3.RGW18(), "Atomic=no " + noComplete + " " + noPut, true, false},
		{fakes3.NoConditions(), "Atomic=no " + noComplete + " " + noPut + "", true, false},
	} {
		t.Run(test.profile.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, client := s3test.NewFake(fakes3.Options{Profile: test.profile})
				setVersioning(t, client, s3test.Bucket, types.BucketVersioningStatusEnabled)
				c, err := probe(t.Context(), client, false)
				wantProbed(t, c, err, test.notYes, test.own, test.share)
				wantClean(t, "at the end", srv, c)
				if err := c.CheckShared(); err != nil && !strings.Contains(err.Error(), "the bucket keeps versions") {
					t.Errorf("versions are not blamed: %v", err)
				}
				// Not even a marker may be left, or the bucket could not be deleted.
				if _, err := client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String(s3test.Bucket)}); err != nil {
					t.Errorf("some version is left: %v", err)
				}
			})
		})
	}
}

// If the key may not ask, the id of a version shows it.
func TestProbeVersioningForbidden(t *testing.T) {
	for _, status := range []types.BucketVersioningStatus{"", types.BucketVersioningStatusSuspended, types.BucketVersioningStatusEnabled} {
		synctest.Test(t, func(t *testing.T) {
			srv, client := s3test.NewFake(fakes3.Options{})
			if status != "" {
				setVersioning(t, client, s3test.Bucket, status)
			}
			srv.Fault = denied("GetBucketVersioning", "ListObjectsV2")
			c, err := probe(t.Context(), client, true)
			want := "CopyPart=unknown List=no Versioned=unknown"
			if status == types.BucketVersioningStatusEnabled {
				want = "CopyPart=unknown List=no"
			}
			wantProbed(t, c, err, want, true, true)
			wantClean(t, "at the end", srv, c)
		})
	}
}

func denied(operations ...string) func(fakes3.Op) fakes3.Fault {
	return func(op fakes3.Op) fakes3.Fault {
		if slices.Contains(operations, op.Name) {
			return fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "AccessDenied"}}
		}
		return fakes3.Fault{}
	}
}

func TestProbeWithoutDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{})
		srv.Fault = denied("DeleteObject", "AbortMultipartUpload")
		c, err := probe(t.Context(), client, true)
		if got := notYes(c); err != nil || got != "CopyPart=unknown Delete=no Versioned=no" || !strings.Contains(fmt.Sprint(c.Delete.Err), "s3:DeleteObject") {
			t.Errorf("not yes: %s; %v; %v", got, c.Delete.Err, err)
		}
		if n := len(srv.Keys(s3test.Bucket)) + len(srv.Uploads(s3test.Bucket)); n == 0 || n != len(c.Leftover) {
			t.Errorf("%d are left, %q are reported", n, c.Leftover)
		}
		wantClean(t, "at the end", srv, c)
	})
}

func TestProbeClock(t *testing.T) {
	for _, ahead := range []time.Duration{0, 59 * time.Second, -59 * time.Second, time.Minute, -14 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			_, client := s3test.NewFake(fakes3.Options{Now: func() time.Time { return time.Now().Add(-ahead) }})
			c, err := probe(t.Context(), client, true)
			if ok := c.Clock.Result == s3store.ResultYes; err != nil || c.ClockAhead != ahead || ok != (ahead.Abs() < time.Minute) {
				t.Errorf("ahead by %v: found %v, %v, %v", ahead, c.ClockAhead, c.Clock.Err, err)
			}
		})
	}
}

func TestProbeEncryption(t *testing.T) {
	for _, test := range []struct {
		profile fakes3.Profile
		opts    s3store.Options
		notYes  string
	}{
		{fakes3.Strict(), s3store.Options{EncryptionKey: s3test.CustomerKey}, "Versioned=no"},
		{fakes3.Strict(), s3store.Options{Encrypt: true}, "Versioned=no"},
		{fakes3.Versity(), s3store.Options{EncryptionKey: s3test.CustomerKey}, "CompleteCreateOnly=unknown CompleteIfMatch=unknown CopyPart=unknown Multipart=no MultipartMetadata=unknown Versioned=no Write=no"},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv, _ := s3test.NewFake(fakes3.Options{Profile: test.profile})
			store := s3test.NewStore(s3test.InProcess(s3test.NewClient("https://s3.test"), srv), test.opts)
			c, err := store.Probe(t.Context(), "", s3store.ProbeOptions{})
			can := test.profile == fakes3.Strict()
			wantProbed(t, c, err, test.notYes, can, can)
			wantClean(t, "at the end", srv, c)
		})
	}
}

// The error of a probe that cannot begin is explained.
func TestProbeErrors(t *testing.T) {
	for _, test := range []struct {
		operation string
		fault     fakes3.Fault
		permanent bool
		want      string
	}{
		{"HeadObject", fakes3.Fault{Reply: fakes3.Error{Status: 404, Code: "NoSuchBucket"}}, true, "does not exist"},
		{"HeadObject", fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "SignatureDoesNotMatch"}}, true, "the secret key"},
		{"HeadObject", fakes3.Fault{Drop: true}, false, "broke"},
		{"PutObject", fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "AccessDenied"}}, true, "grant it s3:PutObject"},
		{"PutObject", fakes3.Fault{Reply: fakes3.Error{Status: 503, Code: "SlowDown"}}, false, "busy"},
		{"PutObject", fakes3.Fault{Lost: true}, false, `the server returns ""`},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv, client := s3test.NewFake(fakes3.Options{})
			srv.Fault = func(op fakes3.Op) fakes3.Fault {
				if op.Name == test.operation || test.operation == "HeadObject" && op.Name == "GetObject" {
					return test.fault
				}
				return fakes3.Fault{}
			}
			c, err := probe(t.Context(), client, false)
			if err == nil || errors.Is(err, rotatelog.ErrPermanent) != test.permanent || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s, %+v: %v", test.operation, test.fault, err)
			}
			if own, share := c.CheckExclusive(), c.CheckShared(); own == nil || share == nil {
				t.Errorf("CheckExclusive: %v, CheckShared: %v", own, share)
			}
			s3test.WantNoSecret(t, fmt.Sprintf("%+v %v", c, err))
		})
	}
}

func TestZeroCapabilities(t *testing.T) {
	var c s3store.Capabilities
	if own, share := c.CheckExclusive(), c.CheckShared(); own == nil || share == nil {
		t.Errorf("CheckExclusive: %v, CheckShared: %v", own, share)
	}
}

// TestProbeServers compares real servers, which .ci/servers starts, with their
// fakes, in a bucket with versions and in one without.
func TestProbeServers(t *testing.T) {
	servers := map[string]string{ // Profiles by endpoint
		os.Getenv("ROTATELOG_RGW_ENDPOINT"):     cmp.Or(os.Getenv("ROTATELOG_RGW_PROFILE"), "rgw16"),
		os.Getenv("ROTATELOG_VERSITY_ENDPOINT"): "versity",
	}
	delete(servers, "")
	if len(servers) == 0 {
		t.Skip("neither ROTATELOG_RGW_ENDPOINT nor ROTATELOG_VERSITY_ENDPOINT names a server; .ci/servers starts them")
	}
	creds := credentials.NewStaticCredentialsProvider(os.Getenv("ROTATELOG_SERVERS_ACCESS_KEY"), os.Getenv("ROTATELOG_SERVERS_SECRET_KEY"), "")
	for endpoint, name := range servers {
		profile, err := fakes3.ProfileByName(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, versions := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/versions=%t", name, versions), func(t *testing.T) {
				_, fake := s3test.NewFake(fakes3.Options{Profile: profile})
				want := probeNewBucket(t, fake, versions)
				got := probeNewBucket(t, s3store.NewClient(endpoint, "us-east-1", creds), versions)
				if diff := gocmp.Diff(findings(want), findings(got)); diff != "" {
					t.Errorf("-fake +real\n%s\n%+v", diff, got)
				}
			})
		}
	}
}

// probeNewBucket probes a new bucket, which it can delete only if nothing was left
// there.
func probeNewBucket(t *testing.T, client *s3.Client, versions bool) s3store.Capabilities {
	t.Helper()
	name := aws.String("probe-" + strings.ToLower(rand.Text()))
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: name}); err != nil {
		t.Fatal(err)
	}
	if versions {
		setVersioning(t, client, *name, types.BucketVersioningStatusEnabled)
	}
	c, err := s3test.Must(s3store.New(client, *name, s3store.Options{})).Probe(t.Context(), "some dir/+", s3store.ProbeOptions{})
	if err != nil || len(c.Leftover) > 0 || c.ClockAhead.Abs() > time.Second {
		t.Errorf("%v, left %q, clock ahead by %v", err, c.Leftover, c.ClockAhead)
	}
	wantReasons(t, c)
	if _, err := client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: name}); err != nil {
		t.Errorf("something is left: %v", err)
	}
	return c
}

func setVersioning(t *testing.T, client *s3.Client, bucket string, status types.BucketVersioningStatus) {
	t.Helper()
	if _, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	}); err != nil {
		t.Fatal(err)
	}
}

// probeFaults says how many of the ways in which a request can fail
// TestProbeFaults tries for each request.
var probeFaults = flag.Int("probe.faults", 1, "how many kinds of faults each request of a probe meets")

// ways are the ways in which one request can fail.
var ways = []struct {
	name  string
	fault fakes3.Fault
	// refusal: the server says no to what it would do, so no may be the finding.
	refusal bool
}{
	{"500", fakes3.Fault{Reply: fakes3.Error{Status: 500}}, false},
	{"412", fakes3.Fault{Reply: fakes3.Error{Status: 412}}, true},
	{"dropped after", fakes3.Fault{Drop: true, After: true}, false},
	{"200 for nothing", fakes3.Fault{Lost: true}, true},
	{"403", fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "AccessDenied"}}, true},
	{"500 after", fakes3.Fault{Reply: fakes3.Error{Status: 500}, After: true}, false},
	{"dropped", fakes3.Fault{Drop: true}, false},
	{"412 after", fakes3.Fault{Reply: fakes3.Error{Status: 412}, After: true}, true},
	{"503", fakes3.Fault{Reply: fakes3.Error{Status: 503}}, false},
	{"409", fakes3.Fault{Reply: fakes3.Error{Status: 409}}, true},
	{"cut off", fakes3.Fault{Cut: true, CutAt: 3}, true},
	{"501", fakes3.Fault{Reply: fakes3.Error{Status: 501}}, true},
}

// probed is how far apart the requests of a probe are at which something happens.
// It has no divisor in common with the number of ways.
func probed() int { return depth.N(31, 7, 1) }

// TestProbeFaults lets the k-th request fail, for every k. Nothing may be found to
// be a capability that is none, and nothing may be left.
func TestProbeFaults(t *testing.T) {
	t.Parallel()
	for _, profile := range []fakes3.Profile{fakes3.Strict(), fakes3.NoConditions()} {
		_, client := s3test.NewFake(fakes3.Options{Profile: profile})
		c, err := probe(t.Context(), client, true)
		if err != nil {
			t.Fatal(err)
		}
		truth := findings(c)
		for struck, k := true, 1; struck; k += probed() {
			for i := range *probeFaults {
				struck = probeWithFault(t, profile, (k+i)%len(ways), k, truth)
			}
		}
	}
}

func probeWithFault(t *testing.T, profile fakes3.Profile, way, k int, truth map[string]s3store.Result) (struck bool) {
	synctest.Test(t, func(t *testing.T) {
		f := ways[way]
		srv, client := s3test.NewFake(fakes3.Options{Profile: profile})
		var n atomic.Int32
		var op fakes3.Op
		srv.Fault = func(o fakes3.Op) fakes3.Fault {
			if int(n.Add(1)) != k {
				return fakes3.Fault{}
			}
			op = o
			return f.fault
		}
		c, err := probe(t.Context(), client, true)
		synctest.Wait()
		struck = int(n.Load()) >= k
		at := fmt.Sprintf("%s, request %d, %s %s, %s", profile.Name, k, op.Name, op.Key, f.name)
		for name, got := range findings(c) {
			if got == s3store.ResultYes && truth[name] != got ||
				got == s3store.ResultNo && truth[name] == s3store.ResultYes && !f.refusal {
				t.Errorf("%s: %s is found to be %v, and is %v", at, name, got, truth[name])
			}
		}
		if err == nil {
			wantReasons(t, c)
		}
		wantClean(t, at, srv, c)
		if len(c.Leftover) > 0 {
			t.Errorf("%s: one fault keeps it from removing %q", at, c.Leftover)
		}
	})
	return struck
}

// TestProbeCancelled ends the context in the middle of the k-th request, which the
// server still executes.
func TestProbeCancelled(t *testing.T) {
	t.Parallel()
	for k := int32(1); cancelProbe(t, k); k += int32(probed()) {
	}
}

func cancelProbe(t *testing.T, k int32) (struck bool) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{})
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("enough")
		var n atomic.Int32
		srv.Fault = func(fakes3.Op) fakes3.Fault {
			if n.Add(1) != k {
				return fakes3.Fault{}
			}
			cancel(cause)
			return fakes3.Fault{}
		}
		begun := time.Now()
		c, err := probe(ctx, client, true)
		synctest.Wait()
		struck = n.Load() >= k
		cleaning := c.Delete.Result != s3store.ResultUnknown // then it was not noticed, and need not be
		if struck && !errors.Is(err, cause) && !cleaning {
			t.Errorf("request %d: got %v", k, err)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("request %d: it took %v", k, took)
		}
		wantClean(t, fmt.Sprintf("request %d", k), srv, c)
		if len(c.Leftover) > 0 {
			t.Errorf("request %d: it leaves %q", k, c.Leftover)
		}
	})
	return struck
}
