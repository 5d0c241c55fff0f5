package main

import (
	"net/url"
	"strings"
)

// provider is who runs a bucket, or which software.
type provider struct {
	name     string
	steps    []string // of setting it up
	commands []string // that do it, to paste
	policies bool     // keys have policies
	user     string   // whom the policy of the bucket names; "" if each key has a policy of its own

	lifecycle  string // what to do where rules are not set by the S3 interface; else ""
	versioned  bool   // there is no bucket without versions
	unversion  string // what there is to know about versions; "" for the usual
	encryption string
	logging    string
	logCommand string // that turns it on, to paste; "" if there is none
	lacks      []string

	prices *prices // nil if they are not known
}

// prices are those of a list, in dollars, as of 2025.
type prices struct {
	least    float64 // a month
	included float64 // gigabytes, for that
	gigabyte float64 // a month, for each more
	put, get float64 // for a thousand requests
}

// providerOf returns who runs an endpoint, as far as its name says.
func providerOf(endpoint string) provider {
	host := ""
	if u, err := url.Parse(endpoint); err == nil {
		host = u.Hostname()
	}
	for domain, p := range providers() {
		if strings.HasSuffix(host, domain) {
			return p
		}
	}
	return provider{name: "S3 server", policies: true,
		steps: []string{
			"Make the bucket BUCKET, with versioning off.",
			"Make a key that may do no more than policy.json below says.",
		},
		encryption: sseByKey, logging: "See whether the server writes a log of requests; S3 has PutBucketLogging for it.",
	}
}

// of returns the provider for a server that calls itself so, unless its name has said
// more.
func (p provider) of(software string) provider {
	if p.name != "S3 server" {
		return p
	}
	switch software {
	case "Ceph":
		p.name = "Ceph RADOS Gateway"
		p.user = "arn:aws:iam:::user/rotatelog"
		p.steps = []string{
			"Make the bucket BUCKET, with versioning off, as a user who owns it.",
			"Make a user for this machine, and one for who only reads, neither of whom can make buckets, with the commands below. policy.json says what they may do.",
		}
		p.commands = []string{
			"radosgw-admin user create --uid=rotatelog --display-name=rotatelog --max-buckets=-1\n" +
				"radosgw-admin user create --uid=rotatelog-reader --display-name=reader --max-buckets=-1\n" +
				"aws s3api put-bucket-policy --bucket BUCKET --endpoint-url ENDPOINT \\\n  --policy file://policy.json",
		}
		p.logging = "The gateway has none before release 20. Its own log of operations: rgw_enable_ops_log."
		p.lacks = []string{
			"Before release 20, conditions on CompleteMultipartUpload: one Writer a key, or days are sent whole.",
			"Versions together with conditions: several Writers cannot share a key in a versioned bucket.",
		}
	case "MinIO":
		p.name = "MinIO"
		p.commands = []string{
			"mc admin user add ALIAS rotatelog\nmc admin policy create ALIAS rotatelog policy.json\nmc admin policy attach ALIAS rotatelog --user rotatelog",
		}
		p.encryption = sseByKey + " SSE-S3 needs a KMS at the server."
		p.logging = "The server sends its audit log to a webhook: audit_webhook."
	case "VERSITYGW":
		p.name = "versitygw"
		p.encryption = "The gateway ignores SSE-C, and rotatelog then refuses to store anything. Encrypt the disk below it."
		p.logging = "The gateway writes one with --access-log FILE."
	}
	return p
}

// aboutVersions returns what there is to know about versions.
func (p provider) aboutVersions() string {
	if p.unversion != "" {
		return p.unversion
	}
	return "Leave it off. A Writer needs none: it never deletes a day, and appends on condition that nobody else has. " +
		"With it, each upload leaves an old version of the whole day, and some servers ignore conditions: turn it on only where doctor says that a " +
		"Writer works all the same, and with a rule that expires old versions."
}

const sseByKey = "With ROTATELOG_ENCRYPTION_KEY_FILE the server encrypts with that key (SSE-C), and keeps no copy: keep one elsewhere, " +
	"since without it nothing can be read. ROTATELOG_ENCRYPT=true asks for a key of the server (SSE-S3). doctor tests either."

func providers() map[string]provider {
	const ofVersions = ", with versioning off."
	return map[string]provider{
		".linodeobjects.com": {name: "Linode Object Storage", prices: &prices{least: 5, included: 250, gigabyte: 0.02}, steps: []string{
			"In Cloud Manager, Object Storage, create the bucket BUCKET" + ofVersions,
			"Access Keys, Create Access Key, Limited Access: Read/Write for BUCKET, None for all others. Another with Read Only is for who only reads.",
		}, encryption: sseByKey, logging: "There is none.", lacks: []string{
			"Keys narrower than a bucket: a bucket policy sees all keys of an account as one user.",
			"Checksums of the SDK, which rotatelog leaves out; it sends Content-MD5.",
			"GET by part number: download days by ranges, or whole.",
		}},
		".amazonaws.com": {name: "Amazon S3", policies: true, prices: &prices{gigabyte: 0.023, put: 0.005, get: 0.0004}, steps: []string{
			"Create the bucket BUCKET" + ofVersions + " Block all public access.",
			"In IAM, create a user for this machine alone, with policy.json, and an access key for it: with the commands below.",
		}, commands: []string{
			"aws iam create-user --user-name rotatelog\n" +
				"aws iam put-user-policy --user-name rotatelog --policy-name BUCKET \\\n  --policy-document file://policy.json\n" +
				"aws iam create-access-key --user-name rotatelog",
		}, encryption: "All objects are encrypted with a key of Amazon's. " + sseByKey,
			logging: "Into another bucket, here ACCESS-LOGS, whose policy has to let logging.s3.amazonaws.com write:",
			logCommand: "aws s3api put-bucket-logging --bucket BUCKET --bucket-logging-status \\\n" +
				"  '{\"LoggingEnabled\":{\"TargetBucket\":\"ACCESS-LOGS\",\"TargetPrefix\":\"BUCKET/\"}}'",
		},
		".r2.cloudflarestorage.com": {name: "Cloudflare R2", prices: &prices{included: 10, gigabyte: 0.015, put: 0.0045, get: 0.00036}, steps: []string{
			"Create the bucket BUCKET.",
			"Manage R2 API Tokens, Create API Token: Object Read & Write, for BUCKET only.",
		}, unversion: "There are no versions.", encryption: "All objects are encrypted with a key of Cloudflare's.", logging: "There is none.", lacks: []string{
			"More than one write a second to a key, which a Writer never needs.",
			"Keys narrower than a bucket.",
		}},
		".backblazeb2.com": {name: "Backblaze B2", prices: &prices{included: 10, gigabyte: 0.006}, steps: []string{
			"Create the bucket BUCKET, private.",
			"Lifecycle Settings: Keep only the last version of the file.",
			"Application Keys, Add a New Application Key: Read and Write, for BUCKET only.",
		}, lifecycle: "In the console, Lifecycle Settings. Unfinished large files are cancelled no sooner than after 7 days.",
			versioned:  true,
			unversion:  "It always keeps versions. Without the lifecycle setting each upload leaves an old version of the whole day.",
			encryption: "Default Encryption in the settings of the bucket, or ROTATELOG_ENCRYPT=true.",
			logging:    "Bucket Access Logs, in the settings of the bucket, where the account has them.", lacks: []string{
				"Conditional PutObject: every write is a multipart upload, and several Writers cannot share a key.",
			}},
	}
}
