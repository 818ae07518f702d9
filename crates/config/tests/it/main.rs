//! The crate as its users meet it: texts in, pipelines or rendered faults out.

mod accuracy;
mod arbitrary;
mod common;
mod corpus;
mod declared;
mod documented;
mod faults_in_rules;
mod faults_in_text;
mod faults_in_values;
mod faults_together;
mod frontend;
mod motion;
mod node;
mod outputs;
mod shipped;
mod targets;
mod tasks;
