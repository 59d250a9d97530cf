"""One operation on a bucket, as a program with boto3 does it: put FILE KEY, marker KEY, list, copy FROM TO, remove KEY."""
import os
import sys

import boto3

bucket = os.environ["BUCKET"]
s3 = boto3.client("s3")


def put(file, key):
    s3.upload_file(file, bucket, key)


def marker(key):
    s3.put_object(Bucket=bucket, Key=key)


def list():
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3}):
        for item in page.get("Contents", []):
            print(item["Key"])


def copy(source, target):
    s3.copy({"Bucket": bucket, "Key": source}, bucket, target)


def remove(key):
    s3.delete_object(Bucket=bucket, Key=key)


{"put": put, "marker": marker, "list": list, "copy": copy, "remove": remove}[sys.argv[1]](*sys.argv[2:])
