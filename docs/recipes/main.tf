# A replica set by Terraform: a CloudFormation stack for each template of cdk.out.
# "npx cdk publish-assets" has uploaded templates and functions before.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0" # with a region for each resource
    }
  }
}

data "aws_caller_identity" "this" {}

locals {
  artifacts = jsondecode(file("${path.module}/cdk.out/manifest.json")).artifacts
  stacks = {
    for name, a in local.artifacts : name => {
      region = split("/", a.environment)[3]
      # In the CDK's bucket, from where 1 MB may be read: a template inside of the request has at most 51,200 bytes.
      template = join("", [
        "https://",
        replace(split("/", a.properties.stackTemplateAssetObjectUrl)[2], "$${AWS::AccountId}", data.aws_caller_identity.this.account_id),
        ".s3.${split("/", a.environment)[3]}.amazonaws.com/",
        split("/", a.properties.stackTemplateAssetObjectUrl)[3],
      ])
      # Mesh stacks and those of access points come after the stacks whose buckets, functions and exports they need.
      first = length([for d in a.dependencies : d if local.artifacts[d].type == "aws:cloudformation:stack"]) == 0
    } if a.type == "aws:cloudformation:stack"
  }
}

resource "aws_cloudformation_stack" "first" {
  for_each     = { for name, s in local.stacks : name => s if s.first }
  name         = each.key
  region       = each.value.region
  template_url = each.value.template
  capabilities = ["CAPABILITY_NAMED_IAM"]
}

resource "aws_cloudformation_stack" "second" {
  for_each     = { for name, s in local.stacks : name => s if !s.first }
  name         = each.key
  region       = each.value.region
  template_url = each.value.template
  capabilities = ["CAPABILITY_NAMED_IAM"]
  depends_on   = [aws_cloudformation_stack.first]
}
