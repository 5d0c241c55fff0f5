package s3store_test

import (
	"cmp"
	"crypto/rand"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	gocmp "github.com/google/go-cmp/cmp"

	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// newSettings returns a bucket at a server like that of a profile.
func newSettings(t *testing.T, p fakes3.Profile) (*s3store.Store, *s3.Client, *fakes3.Server) {
	t.Helper()
	srv := fakes3.New(fakes3.Options{Profile: p})
	srv.CreateBucket("logs")
	ts := httptest.NewServer(srv)
	t.Cleanup(ts.Close)
	client := s3store.NewClient(ts.URL, "us-east-1", credentials.NewStaticCredentialsProvider("access", "secret", ""))
	return s3test.Must(s3store.New(client, "logs", s3store.Options{})), client, srv
}

// states returns what is known of each setting.
func states(b s3store.BucketSettings) string {
	var all []string
	v := reflect.ValueOf(b)
	for field, value := range v.Fields() {
		if s, ok := value.Interface().(s3store.Setting); ok {
			text := field.Name + "=" + s.State.String()
			if s.Text != "" {
				text += " " + s.Text
			}
			all = append(all, text)
		}
	}
	return strings.Join(all, ", ")
}

// TestBucketSettingsOfServers: what a server does not know is not taken for what is
// turned off, although it may answer 200.
func TestBucketSettingsOfServers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		profile fakes3.Profile
		server  string
		want    string
	}{
		{fakes3.Strict(), "fakes3", "Versioning=off, Encryption=on AES256, Logging=off, Lifecycle=off"},
		{fakes3.Linode(), "Ceph", "Versioning=off, Encryption=not supported, Logging=off, Lifecycle=off"},
		{fakes3.RGW20(), "Ceph", "Versioning=off, Encryption=off, Logging=off, Lifecycle=off"},
		{fakes3.MinIO(), "MinIO", "Versioning=off, Encryption=off, Logging=off, Lifecycle=off"},
		{fakes3.Versity(), "VERSITYGW", "Versioning=off, Encryption=not supported, Logging=not supported, Lifecycle=not supported"},
		{fakes3.Gofakes3(), "fakes3", "Versioning=off, Encryption=not supported, Logging=not supported, Lifecycle=not supported"},
	} {
		store, _, srv := newSettings(t, test.profile)
		got := store.BucketSettings(t.Context())
		if states(got) != test.want || got.Server != test.server {
			t.Errorf("%s: %s at %q, want %s at %q", test.profile.Name, states(got), got.Server, test.want, test.server)
		}
		for op := range srv.Stats().Requests {
			if !strings.HasPrefix(op, "GetBucket") {
				t.Errorf("%s: it sends %s", test.profile.Name, op)
			}
		}
	}
}

func TestBucketSettingsThatAreOn(t *testing.T) {
	t.Parallel()
	store, client, _ := newSettings(t, fakes3.Strict())
	rules := []types.LifecycleRule{
		{ID: aws.String("open"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
			AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(7)}},
		{ID: aws.String("old"), Status: types.ExpirationStatusDisabled, Filter: &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{
			Prefix: aws.String("a/"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}},
			Expiration:                  &types.LifecycleExpiration{Days: aws.Int32(400)},
			NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(3)},
			Transitions:                 []types.Transition{{Days: aws.Int32(30), StorageClass: types.TransitionStorageClassGlacier}}},
	}
	_, err1 := client.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: aws.String("logs"),
		LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules}})
	_, err2 := client.PutBucketLogging(t.Context(), &s3.PutBucketLoggingInput{Bucket: aws.String("logs"), BucketLoggingStatus: &types.BucketLoggingStatus{
		LoggingEnabled: &types.LoggingEnabled{TargetBucket: aws.String("access"), TargetPrefix: aws.String("logs/")}}})
	_, err3 := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String("logs"),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended}})
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	got := store.BucketSettings(t.Context())
	if want := "Versioning=on Suspended, Encryption=on AES256, Logging=on s3://access/logs/, Lifecycle=on"; states(got) != want {
		t.Errorf("%s, want %s", states(got), want)
	}
	want := []s3store.LifecycleRule{
		{ID: "open", Enabled: true, AbortAfter: 7},
		{ID: "old", Prefix: "a/", Partial: true, ExpireAfter: 400, NoncurrentAfter: 3, Moves: true},
	}
	if diff := gocmp.Diff(want, got.Rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

// TestBucketSettingsOfAKeyThatMayNotAsk: a Writer's key need not be allowed to ask, and an
// error says which permission is missing, or what else is wrong.
func TestBucketSettingsOfAKeyThatMayNotAsk(t *testing.T) {
	t.Parallel()
	store, _, srv := newSettings(t, fakes3.Linode())
	for code, want := range map[string]string{
		"AccessDenied":       "the key may not ask; use a key that has s3:GetLifecycleConfiguration",
		"InvalidAccessKeyId": "the server does not know the access key",
		"NoSuchBucket":       "does not exist at",
	} {
		srv.Fault = func(op fakes3.Op) fakes3.Fault {
			status := 403
			if code == "NoSuchBucket" {
				status = 404
			}
			return fakes3.Fault{Reply: fakes3.Error{Status: status, Code: code}}
		}
		got := store.BucketSettings(t.Context())
		if s := got.Lifecycle; s.State != s3store.SettingUnknown || s.Err == nil || !strings.Contains(s.Err.Error(), want) {
			t.Errorf("%s: %v, %v", code, s.State, s.Err)
		}
		if !slices.Equal(strings.Fields(states(got)), strings.Fields("Versioning=unknown, Encryption=unknown, Logging=unknown, Lifecycle=unknown")) {
			t.Errorf("%s: %s", code, states(got))
		}
	}
}

// TestServerBucketSettings asks real servers, which .ci/servers starts, and fakes with their
// profiles.
func TestServerBucketSettings(t *testing.T) {
	servers := map[string]string{ // profiles by endpoint
		os.Getenv("ROTATELOG_RGW_ENDPOINT"):     cmp.Or(os.Getenv("ROTATELOG_RGW_PROFILE"), "rgw16"),
		os.Getenv("ROTATELOG_VERSITY_ENDPOINT"): "versity",
	}
	delete(servers, "")
	if len(servers) == 0 {
		t.Skip("neither ROTATELOG_RGW_ENDPOINT nor ROTATELOG_VERSITY_ENDPOINT names a server; .ci/servers starts them")
	}
	creds := credentials.NewStaticCredentialsProvider(os.Getenv("ROTATELOG_SERVERS_ACCESS_KEY"), os.Getenv("ROTATELOG_SERVERS_SECRET_KEY"), "")
	for endpoint, name := range servers {
		t.Run(name, func(t *testing.T) {
			profile, err := fakes3.ProfileByName(name)
			if err != nil {
				t.Fatal(err)
			}
			client := s3store.NewClient(endpoint, "us-east-1", creds)
			bucket := "settings-" + strings.ToLower(rand.Text())
			if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
				t.Fatal(err)
			}
			defer client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &bucket})
			fake, fakeClient, _ := newSettings(t, profile)
			real := s3test.Must(s3store.New(client, bucket, s3store.Options{}))
			rules := &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{ID: aws.String("open"), Status: types.ExpirationStatusEnabled,
				Filter:                         &types.LifecycleRuleFilter{Prefix: aws.String("")},
				AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(7)}}}}
			for range 2 { // without rules, and with one
				want, got := fake.BucketSettings(t.Context()), real.BucketSettings(t.Context())
				if states(want) != states(got) || want.Server != got.Server || !slices.Equal(want.Rules, got.Rules) {
					t.Errorf("fake %s at %q, real %s at %q\n%+v", states(want), want.Server, states(got), got.Server, got)
				}
				_, err1 := fakeClient.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: aws.String("logs"), LifecycleConfiguration: rules})
				_, err2 := client.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: &bucket, LifecycleConfiguration: rules})
				if (err1 == nil) != (err2 == nil) {
					t.Errorf("fake: %v, real: %v", err1, err2)
				}
			}
		})
	}
}

// TestProbeInDocument holds the table of docs/S3.md against what Probe finds at fakes with
// the profiles of the servers. TestProbeServers holds these against the servers that can be
// started.
func TestProbeInDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/S3.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## What Probe finds\n")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|[^|]*\\|[^|]*\\|(.*)\\|$").FindAllStringSubmatch(table, -1) {
		rows[row[1]] = row[2]
	}
	for _, p := range fakes3.Profiles() {
		synctest.Test(t, func(t *testing.T) {
			_, client := s3test.NewFake(fakes3.Options{Profile: p})
			c, err := probe(t.Context(), client, false)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, f := range []s3store.Finding{c.CreateOnly, c.IfMatch, c.Atomic, c.CompleteCreateOnly, c.CompleteIfMatch, c.CopyPart, c.LargeMetadata, c.ContentMD5} {
				want = append(want, map[s3store.Result]string{s3store.ResultYes: "yes", s3store.ResultNo: "**no**", s3store.ResultUnknown: "**no**"}[f.Result])
			}
			if got := strings.Join(want, " | "); strings.TrimSpace(rows[p.Name]) != got {
				t.Errorf("docs/S3.md says of %s\n%s, want\n%s", p.Name, rows[p.Name], got)
			}
		})
	}
	if len(rows) != len(fakes3.Profiles()) {
		t.Errorf("docs/S3.md has %d rows, want %d", len(rows), len(fakes3.Profiles()))
	}
}
