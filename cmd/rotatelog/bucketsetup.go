package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/storeurl"
)

// bucketSetup is a bucket, and the streams in it.
type bucketSetup struct {
	place    *storeurl.Place
	provider provider
	streams  []stream
}

// printBuckets prints how to set up the bucket of each stream.
func (a *app) printBuckets(ctx context.Context, streams []stream) error {
	var all []*bucketSetup
	for _, s := range streams {
		place, err := s.place()
		if err != nil {
			return err
		}
		if place.Dir != "" {
			return usagef("%s: --bucket is for s3://BUCKET only", s.origin("store"))
		}
		i := slices.IndexFunc(all, func(b *bucketSetup) bool {
			return b.place.Bucket == place.Bucket && b.place.Endpoint == place.Endpoint
		})
		if i < 0 {
			i, all = len(all), append(all, &bucketSetup{place: place, provider: providerOf(place.Endpoint)})
		}
		all[i].streams = append(all[i].streams, s)
	}
	for i, b := range all {
		if i > 0 {
			a.println("")
		}
		if err := b.print(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (b *bucketSetup) print(ctx context.Context, a *app) error {
	a.printf("%s: %s at %s\n\n", a.out.paint(bold, b.provider.name), b.place, b.place.Endpoint)
	file := "/etc/rotatelog/env"
	if f := a.settings.File(); f != nil {
		file = f.Path
	}
	steps := append(slices.Clone(b.provider.steps), "Put the key into "+file+", mode 0600, and run rotatelog doctor.")
	for i, step := range steps {
		begin := fmt.Sprintf("%d. ", i+1)
		lines := strings.Join(format.Wrap(strings.ReplaceAll(step, "BUCKET", b.place.Bucket), "   ", a.out.width), "\n")
		a.println(begin + lines[len(begin):])
	}
	if b.provider.policies {
		if err := b.printJSON(a, "policy of the key", b.policy()); err != nil {
			return err
		}
	}
	if err := b.printJSON(a, "lifecycle.json", b.lifecycle()); err != nil {
		return err
	}
	a.printf("\naws s3api put-bucket-lifecycle-configuration --bucket %s \\\n  --endpoint-url %s \\\n  --lifecycle-configuration file://lifecycle.json\n\n",
		b.place.Bucket, b.place.Endpoint)
	return b.printCost(ctx, a)
}

func (b *bucketSetup) printJSON(a *app, what string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	a.printf("\n%s\n%s\n", a.out.paint(bold, what), text)
	return nil
}

// prefixes returns how the keys of the streams begin.
func (b *bucketSetup) prefixes() []string {
	var all []string
	for _, s := range b.streams {
		all = append(all, prefixOf(rotatelog.Archive{Name: s.Name, Prefix: cmp.Or(s.Prefix, b.place.Prefix)}))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// prefixOf returns the folder that the keys of an archive are in, with a slash.
func prefixOf(archive rotatelog.Archive) string {
	key := archive.Key(rotatelog.Day{}, rotatelog.Uncompressed)
	return key[:strings.LastIndex(key, "/")+1]
}

type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect   string
	Action   []string
	Resource []string
}

// policy returns what a key needs for all commands. docs/S3.md says what each permission
// is for.
func (b *bucketSetup) policy() policy {
	bucket := "arn:aws:s3:::" + b.place.Bucket
	resources := func(suffix string) []string {
		var all []string
		for _, prefix := range b.prefixes() {
			all = append(all, bucket+"/"+prefix+suffix)
		}
		return all
	}
	return policy{"2012-10-17", []statement{
		{"Allow", []string{"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}, resources("*")},
		{"Allow", []string{"s3:DeleteObject", "s3:DeleteObjectVersion"}, resources("rotatelog-probe-*")},
		{"Allow", []string{"s3:DeleteObject"}, resources("damaged/*")},
		{"Allow", []string{"s3:ListBucket", "s3:ListBucketMultipartUploads"}, []string{bucket}},
	}}
}

type lifecycle struct{ Rules []lifecycleRule }

type lifecycleRule struct {
	ID, Status                     string
	Filter                         struct{ Prefix string }
	AbortIncompleteMultipartUpload *struct{ DaysAfterInitiation int } `json:",omitempty"`
	Expiration                     *struct{ Days int }                `json:",omitempty"`
}

// lifecycle returns the rules that remove what nobody else does: uploads that were never
// finished, and objects of tests. No rule may touch the days.
func (b *bucketSetup) lifecycle() lifecycle {
	unfinished := lifecycleRule{ID: "unfinished-uploads", Status: "Enabled"}
	unfinished.AbortIncompleteMultipartUpload = &struct{ DaysAfterInitiation int }{7}
	rules := []lifecycleRule{unfinished}
	for _, prefix := range b.prefixes() {
		probes := lifecycleRule{ID: "probes-" + strings.Trim(prefix, "/"), Status: "Enabled"}
		probes.Filter.Prefix = prefix + "rotatelog-probe-"
		probes.Expiration = &struct{ Days int }{1}
		rules = append(rules, probes)
	}
	return lifecycle{rules}
}
