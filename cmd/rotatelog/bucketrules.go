package main

import (
	"fmt"
	"strings"

	"example.com/rotatelog/s3store"
)

// abortAfter is the least number of days after which a rule may abort unfinished uploads.
// What is older than an hour may be in use: an abort while the server completes an upload
// has destroyed objects. A Writer removes its own leftovers after a day.
const abortAfter = 7

// expireAfter is the number of days in the rule that deletes old days: a year and a month,
// so that a month can be compared with the same one of the year before.
const expireAfter = 400

type lifecycle struct{ Rules []lifecycleRule }

type lifecycleRule struct {
	ID, Status                     string
	Filter                         struct{ Prefix string }
	AbortIncompleteMultipartUpload *struct{ DaysAfterInitiation int } `json:",omitempty"`
	Expiration                     *struct{ Days int }                `json:",omitempty"`
	NoncurrentVersionExpiration    *struct{ NoncurrentDays int }      `json:",omitempty"`
}

// lifecycle returns the rules that remove what nobody else does: uploads that were never
// finished, objects of tests, and old versions where there are some. The rule that would
// delete days is disabled.
func (b *bucketSetup) lifecycle() lifecycle {
	unfinished := lifecycleRule{ID: "unfinished-uploads", Status: "Enabled"}
	unfinished.AbortIncompleteMultipartUpload = &struct{ DaysAfterInitiation int }{abortAfter}
	rules := []lifecycleRule{unfinished}
	for _, prefix := range b.prefixes() {
		name := strings.ReplaceAll(strings.Trim(prefix, "/"), "/", "-")
		probes := lifecycleRule{ID: "probes-" + name, Status: "Enabled"}
		probes.Filter.Prefix = prefix + "rotatelog-probe-"
		probes.Expiration = &struct{ Days int }{1}
		old := lifecycleRule{ID: "old-days-" + name, Status: "Disabled"}
		old.Filter.Prefix = prefix
		old.Expiration = &struct{ Days int }{expireAfter}
		rules = append(rules, probes, old)
		if b.keepsVersions() {
			versions := lifecycleRule{ID: "old-versions-" + name, Status: "Enabled"}
			versions.Filter.Prefix = prefix
			versions.NoncurrentVersionExpiration = &struct{ NoncurrentDays int }{1}
			rules = append(rules, versions)
		}
	}
	return lifecycle{rules}
}

func (b *bucketSetup) keepsVersions() bool {
	return b.settings != nil && b.settings.Versioning.State == s3store.SettingOn
}

func (b *bucketSetup) printLifecycle() error {
	a := b.app
	if b.provider.lifecycle != "" || b.settings != nil && b.settings.Lifecycle.State == s3store.SettingUnsupported {
		text := b.provider.lifecycle
		if text == "" {
			text = "The server takes no lifecycle rules. Once a day a Writer removes what it has left itself; see to uploads of a lost machine " +
				"yourself, no sooner than after 7 days."
		}
		b.section("lifecycle", text)
		return nil
	}
	if err := b.printJSON("lifecycle.json", b.lifecycle()); err != nil {
		return err
	}
	a.println("")
	a.paragraph(fmt.Sprintf("It replaces all rules that the bucket has. The rules old-days are disabled: with \"Enabled\" they delete each day %d days after "+
		"its last upload. With a key that may administer the bucket, not that of the settings:", expireAfter))
	a.printf("aws s3api put-bucket-lifecycle-configuration --bucket %s \\\n  --endpoint-url %s \\\n  --lifecycle-configuration file://lifecycle.json\n",
		b.place.Bucket, b.place.Endpoint)
	return nil
}
