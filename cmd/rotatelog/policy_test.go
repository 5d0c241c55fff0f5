package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/rotatelog/s3store"
)

// TestServerPolicyIsEnough: at Ceph's gateway, a user who may do nothing but what the printed
// policy says can do all that a Writer and an operator do, and nothing else.
func TestServerPolicyIsEnough(t *testing.T) {
	server := s3Server{os.Getenv("ROTATELOG_RGW_ENDPOINT"), os.Getenv("ROTATELOG_SERVERS_ACCESS_KEY"), os.Getenv("ROTATELOG_SERVERS_SECRET_KEY")}
	writer := os.Getenv("ROTATELOG_RGW_WRITER_KEY")
	if server.endpoint == "" || writer == "" {
		t.Skip("ROTATELOG_RGW_ENDPOINT and ROTATELOG_RGW_WRITER_KEY name no server; .ci/servers starts one")
	}
	o := newOperator(t, server)
	o.types(codeOK, "rotatelog doctor --bucket", "Ceph RADOS Gateway\n", "\nradosgw-admin user create --uid=rotatelog ")
	_, policy, _ := strings.Cut(o.stdout, "\npolicy.json, of the bucket\n")
	policy, _, _ = strings.Cut(policy, "\n}\n")
	policy += "}"
	o.settings(writer)
	o.types(codeFinding, "rotatelog doctor --quick", "the key may not do this in the bucket")
	if _, err := o.bucket.client.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &o.bucket.name, Policy: &policy}); err != nil {
		t.Fatalf("%v\n%s", err, policy)
	}
	o.types(codeOK, "rotatelog doctor", "\nA Writer works here. ")
	o.types(codeOK, "rotatelog doctor --bucket", "\n  ?     lifecycle   not known: the key may not ask")
	o.fetches(10)
	o.clock.Advance(24 * time.Hour)
	o.fetches(1)
	o.types(codeOK, "rotatelog verify", ": all good")
	o.types(codeOK, "rotatelog restore 2025-07-10 --apply")
	asWriter := s3store.NewClient(o.endpoint, "us-east-1", credentials.NewStaticCredentialsProvider(writer, o.secretKey, ""))
	key, other := july10, "elsewhere"
	if _, err := asWriter.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &o.bucket.name, Key: &key}); err == nil {
		t.Error("it may delete a day")
	}
	if _, err := asWriter.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &o.bucket.name, Key: &other}); err == nil {
		t.Error("it may write elsewhere")
	}
}

// TestServerTakesThePrintedRules: the lifecycle rules can be pasted as they are printed, and
// then there is nothing to look at.
func TestServerTakesThePrintedRules(t *testing.T) {
	onServers(t, func(t *testing.T, s s3Server) {
		o := newOperator(t, s)
		o.types(codeOK, "rotatelog doctor --bucket", "  look  lifecycle   no rule")
		_, printed, _ := strings.Cut(o.stdout, "\nlifecycle.json\n")
		var rules types.BucketLifecycleConfiguration
		if err := json.NewDecoder(strings.NewReader(printed)).Decode(&rules); err != nil || len(rules.Rules) < 3 {
			t.Fatalf("%d rules, %v\n%s", len(rules.Rules), err, printed)
		}
		if _, err := o.bucket.client.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: &o.bucket.name,
			LifecycleConfiguration: &rules}); err != nil {
			t.Fatal(err)
		}
		o.types(codeOK, "rotatelog doctor --bucket", "  ok    lifecycle   on: unfinished uploads are aborted")
		if strings.Contains(o.stdout, "  look  ") {
			t.Errorf("there is something to look at:\n%s", o.stdout)
		}
	})
}
